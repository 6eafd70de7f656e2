package sio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// read is the input that a service sees, as JSON, or the error.
func read(t *testing.T, shape *service.Shape, format, body string, change ...func(*service.Request)) string {
	t.Helper()
	var held *service.Request
	req := &service.Request{CID: "c1", Raw: []byte(body)}
	for _, c := range change {
		c(req)
	}
	_, err := sio.Wrap(keep(&held), shape, options(format)).Handle(t.Context(), req)
	if err != nil {
		e := service.AsError(err)
		require.Equal(t, service.Invalid, e.Code, "%v", err)
		return strings.TrimPrefix(e.Error(), "input is not valid: ")
	}
	return text(t, held.Input)
}

func customer() *service.Shape {
	return &service.Shape{Input: []service.Field{
		{Name: "cust_id", Required: true},
		{Name: "name", Required: true},
		{Name: "is_vip"},
		{Name: "address", Type: "dict", Required: true, Fields: []service.Field{
			{Name: "street", Required: true},
			{Name: "zip", Type: "int", Required: true},
			{Name: "geo", Type: "dict", Fields: []service.Field{{Name: "lat", Type: "float"}, {Name: "lon", Type: "float", Required: true}}},
		}},
		{Name: "rows", Type: "dictlist", Fields: []service.Field{{Name: "row_id", Required: true}, {Name: "note", Default: "none"}}},
		{Name: "sizes", Type: "list", Of: "int"},
		{Name: "tags", Type: "list"},
		{Name: "labels", Type: "dict"},
		{Name: "more", Type: "any"},
		{Name: "lang", Default: "en"},
	}}
}

const (
	seanJSON = `{"undeclared":{"a":[{"b":1}]},"more":{"x":[1]},"tags":["a",1],"cust_id":"7","name":"Sean","is_vip":"yes","sizes":["1",2],
		"address":{"zip":"35102","street":"Main","planet":"Earth","geo":{"lon":"9.5"}},"rows":[{"row_id":1},{"note":"x","row_id":"2"}],"labels":{"z y":1}}`
	seanXML = `<request><undeclared><a><b>1</b></a></undeclared><more><x>1</x><x>2</x></more><tags><item>a</item><item>1</item></tags><cust_id>7</cust_id>
		<name>S<!-- c -->ean</name><is_vip>yes</is_vip><sizes>1</sizes><sizes>2</sizes><address><zip>35102</zip><street>Main</street><planet>Earth</planet>
		<geo><lon>9.5</lon></geo></address><rows><item><row_id>1</row_id></item><item><note>x</note><row_id>2</row_id></item></rows>
		<labels><item><key>z y</key><value>1</value></item></labels></request>`
)

func TestNestedShapes(t *testing.T) {
	const want = `{"cust_id":7,"name":"Sean","is_vip":true,"address":{"street":"Main","zip":35102,"geo":{"lat":null,"lon":9.5}},` +
		`"rows":[{"row_id":1,"note":"none"},{"row_id":2,"note":"x"}],"sizes":[1,2],"tags":["a",1],"labels":{"z y":1},"more":{"x":[1]},"lang":"en"}`
	assert.Equal(t, want, read(t, customer(), sio.JSON, seanJSON))
	asXML := strings.NewReplacer(`["a",1]`, `["a","1"]`, `{"z y":1}`, `{"z y":"1"}`, `{"x":[1]}`, `{"x":["1","2"]}`).Replace(want)
	assert.Equal(t, asXML, read(t, customer(), sio.XML, seanXML))
	tree, err := sio.DecodeJSON([]byte(seanJSON))
	require.NoError(t, err)
	assert.Equal(t, want, read(t, customer(), sio.JSON, "", func(r *service.Request) { r.Payload = tree }), "from a service")
}

func TestNestedFaultsAreNamedTogether(t *testing.T) {
	const faulty = `{"cust_id":"x","name":["Sean"],"is_vip":{},"address":{"zip":"x","geo":{"lat":"y"}},"rows":[{"row_id":1},7,{"note":null}],"sizes":[1,"b",[]],"labels":"none"}`
	const want = `cust_id: expected an integer, not "x"; name: expected text, not a list; is_vip: expected true or false, not an object; ` +
		`address.zip: expected an integer, not "x"; address.geo.lat: expected a number, not "y"; address.geo.lon: missing; address.street: missing; ` +
		`rows[1]: expected an object with row_id, note, not 7; rows[2].row_id: missing; sizes[1]: expected an integer, not "b"; ` +
		`sizes[2]: expected an integer, not a list; labels: expected an object, not "none"`
	assert.Equal(t, want, read(t, customer(), sio.JSON, faulty))
	const faultyXML = `<r><cust_id>x</cust_id><name><a>1</a></name><address>text</address><rows><item>7</item></rows><rows><note/></rows>` +
		`<sizes><item>b</item></sizes><cust_id>1</cust_id><labels>none</labels></r>`
	assert.Equal(t, `cust_id: expected an integer, not "x"; name: expected text, not elements; `+
		`address: expected an object with street, zip, geo, not "text"; rows[0]: expected an object with row_id, note, not "7"; rows[1].row_id: missing; `+
		`sizes[0]: expected an integer, not "b"; cust_id: expected an integer, not a list; labels: expected an object, not "none"`,
		read(t, customer(), sio.XML, faultyXML))
	many := `{"sizes":["x"` + strings.Repeat(`,"x"`, 9999) + `]}`
	message := read(t, &service.Shape{Input: []service.Field{{Name: "sizes", Type: "list", Of: "int"}}}, sio.JSON, many)
	assert.Contains(t, message, "sizes[49]: ")
	assert.True(t, strings.HasSuffix(message, "; and more"), message)
	assert.Less(t, len(message), 4000)
}

func TestXMLForms(t *testing.T) {
	shape := func(fields ...service.Field) *service.Shape { return &service.Shape{Input: fields} }
	inner := []service.Field{{Name: "id", Required: true}}
	for _, row := range []struct {
		name, body, want string
		shape            *service.Shape
	}{
		{"rows without items", "<r><rows><id>1</id></rows><rows><id>2</id></rows></r>", `{"rows":[{"id":1},{"id":2}]}`, shape(service.Field{Name: "rows", Type: "dictlist", Fields: inner})},
		{"one row without items", "<r><rows><id>1</id></rows></r>", `{"rows":[{"id":1}]}`, shape(service.Field{Name: "rows", Type: "dictlist", Fields: inner})},
		{"free rows", "<r><rows><item><a>1</a></item><item><item><key>b</key><value>2</value></item></item></rows></r>", `{"rows":[{"a":"1"},{"b":"2"}]}`, shape(service.Field{Name: "rows", Type: "dictlist"})},
		{"entries for declared keys", "<r><o><item><key>id</key><value>1</value></item><item><key>x</key><value>2</value></item></o></r>", `{"o":{"id":1}}`, shape(service.Field{Name: "o", Type: "dict", Fields: inner})},
		{"a field that is called item", "<r><o><item>1</item></o></r>", `{"o":{"item":"1"}}`, shape(service.Field{Name: "o", Type: "dict", Fields: []service.Field{{Name: "item"}}})},
		{"empty elements", "<r><l/><m/><d/><t/><n/><o/></r>", `{"l":[],"m":[],"d":{},"t":"","n":null,"o":{}}`, shape(service.Field{Name: "l", Type: "list"}, service.Field{Name: "m", Type: "list", Of: "int"},
			service.Field{Name: "d", Type: "dict"}, service.Field{Name: "t"}, service.Field{Name: "n", Type: "int"}, service.Field{Name: "o", Type: "dict", Fields: inner})},
		{"a required empty object", "<r><o/></r>", `o.id: missing`, shape(service.Field{Name: "o", Type: "dict", Required: true, Fields: inner})},
		{"anything, repeated", "<r><a>1</a><a><b>2</b></a><a/></r>", `{"a":["1",{"b":"2"},""]}`, shape(service.Field{Name: "a", Type: "any"})},
		{"namespaces", `<s:r xmlns:s="urn:s"><s:id>1</s:id></s:r>`, `{"id":1}`, shape(service.Field{Name: "id"})},
		{"text in the root", "<r>text</r>", `expected an object with id, not "text"`, shape(service.Field{Name: "id"})},
		{"empty root", "<r/>", `{"id":null}`, shape(service.Field{Name: "id"})},
		{"text beside elements", "<r><id>1<b/></id></r>", `malformed XML at line 1, column 8: <id> holds both text and elements`, shape(service.Field{Name: "id"})},
		{"what is not declared must be XML too", "<r><id>1</id><x><y></x></r>", `malformed XML at line 1, column 20: element <y> closed by </x>`, shape(service.Field{Name: "id"})},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, read(t, row.shape, sio.XML, row.body))
		})
	}
}

func TestRequestElement(t *testing.T) {
	shape := &service.Shape{RequestElem: "order", Input: []service.Field{{Name: "id", Required: true}}}
	for _, row := range []struct{ format, body, want string }{
		{sio.JSON, `{"x":{"id":2},"order":{"id":1}}`, `{"id":1}`},
		{sio.JSON, `{"id":1}`, `order: missing`},
		{sio.JSON, `[1]`, `order: missing; expected an object with this key, not a list`},
		{sio.JSON, `{"order":7}`, `order: expected an object with id, not 7`},
		{sio.JSON, `{"order":{}}`, `order.id: missing`},
		{sio.XML, `<order><id>1</id></order>`, `{"id":1}`},
		{sio.XML, `<r><id>2</id><order><id>1</id></order></r>`, `{"id":1}`},
		{sio.XML, `<r><id>2</id></r>`, `order: missing`},
		{sio.XML, `<r><order><id>1</id></order><order/></r>`, `malformed XML at line 1, column 29: <order> stands there twice`},
	} {
		assert.Equal(t, row.want, read(t, shape, row.format, row.body), "%s", row.body)
	}
	assert.Equal(t, `{"id":1}`, read(t, shape, sio.JSON, "", func(r *service.Request) { r.Payload = service.ObjectOf("order", service.ObjectOf("id", 1)) }))
}

func TestRepeatedInput(t *testing.T) {
	shape := &service.Shape{InputRepeated: true, Input: []service.Field{{Name: "id", Required: true}, {Name: "batch"}}}
	inBatch := func(r *service.Request) { r.Params = map[string][]string{"batch": {"b1"}} }
	const want = `[{"id":1,"batch":"b1"},{"id":2,"batch":"b1"}]`
	for _, row := range []struct{ format, body, want string }{
		{sio.JSON, `[{"id":1},{"id":"2","batch":"other"}]`, want},
		{sio.JSON, `{"id":1}`, `[{"id":1,"batch":"b1"}]`},
		{sio.JSON, `[]`, `[]`},
		{sio.JSON, `[{"id":1},{"id":"x"},null,5]`, `[1].id: expected an integer, not "x"; [2].id: missing; [3]: expected an object with id, batch, not 5`},
		{sio.XML, `<r><item><id>1</id></item><item><id>2</id></item></r>`, want},
		{sio.XML, `<r><item_list><item><id>1</id></item><item><id>2</id></item></item_list></r>`, want},
		{sio.XML, `<r><id>1</id></r>`, `[{"id":1,"batch":"b1"}]`},
		{sio.XML, `<r/>`, `[]`},
		{sio.CSV, "id\r\n1\r\n2\r\n", want},
		{sio.CSV, "id\r\n", `[]`},
	} {
		assert.Equal(t, row.want, read(t, shape, row.format, row.body, inBatch), "%s", row.body)
	}
}

func TestPrioritiesOfParameters(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "cust_id", Required: true}, {Name: "lang"}}}
	given := func(r *service.Request) { r.Params = map[string][]string{"cust_id": {"9"}, "other": {"x"}} }
	yielding := func(r *service.Request) { given(r); r.PayloadFirst = true }
	free := func(format, body string, change func(*service.Request)) string {
		return read(t, nil, format, body, change)
	}
	for _, format := range []string{sio.JSON, sio.XML} {
		bodies := map[string][3]string{
			sio.JSON: {`{"cust_id":1,"lang":"de"}`, `{"cust_id":"x","lang":"de"}`, `{"lang":"de"}`},
			sio.XML:  {`<r><cust_id>1</cust_id><lang>de</lang></r>`, `<r><cust_id>x</cust_id><lang>de</lang></r>`, `<r><lang>de</lang></r>`},
		}[format]
		assert.Equal(t, `{"cust_id":9,"lang":"de"}`, read(t, shape, format, bodies[0], given))
		assert.Equal(t, `{"cust_id":9,"lang":"de"}`, read(t, shape, format, bodies[1], given), "what is not used may be wrong")
		assert.Equal(t, `{"cust_id":1,"lang":"de"}`, read(t, shape, format, bodies[0], yielding))
		assert.Equal(t, `cust_id: expected an integer, not "x"`, read(t, shape, format, bodies[1], yielding))
		assert.Equal(t, `{"cust_id":9,"lang":"de"}`, read(t, shape, format, bodies[2], yielding))
	}
	assert.Equal(t, `{"cust_id":"9","lang":"de","other":"x"}`, free(sio.JSON, `{"cust_id":1,"lang":"de"}`, given))
	assert.Equal(t, `{"cust_id":1,"lang":"de","other":"x"}`, free(sio.JSON, `{"cust_id":1,"lang":"de"}`, yielding))
	alone := *shape
	alone.ParamsOnly = true
	assert.Equal(t, `{"cust_id":9,"lang":""}`, read(t, &alone, sio.JSON, `{"lang":"de"}`, given))
	assert.Equal(t, `cust_id: missing`, read(t, &alone, sio.JSON, `{"cust_id":1}`))
}

func TestPayloadIsThereForWhoeverAsks(t *testing.T) {
	var held *service.Request
	shape := &service.Shape{Input: []service.Field{{Name: "id"}}}
	_, err := sio.Wrap(keep(&held), shape, options(sio.JSON)).Handle(t.Context(), &service.Request{Raw: []byte(`{"id":"1","other":[2]}`)})
	require.NoError(t, err)
	assert.Nil(t, held.Payload, "nobody has asked yet")
	payload, err := held.Decoded()
	require.NoError(t, err)
	assert.Equal(t, `{"id":"1","other":[2]}`, text(t, payload))
	assert.Equal(t, `{"id":1}`, text(t, held.Input))
}

func TestForms(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "cust_id", Required: true}, {Name: "tags", Type: "list"}, {Name: "file", Type: "dict"}}}
	typed := func(contentType string) func(*service.Request) {
		return func(r *service.Request) { r.Header = http.Header{"Content-Type": {contentType}} }
	}
	const urlencoded, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=XX"
	part := func(name, body string) string {
		return "--XX\r\nContent-Disposition: form-data; name=" + name + "\r\nContent-Type: text/plain\r\n\r\n" + body + "\r\n"
	}
	for _, row := range []struct{ name, contentType, body, want string }{
		{"urlencoded", urlencoded, "cust_id=7&tags=a+b&tags=%c3%a9&other=1", `{"cust_id":7,"tags":["a b","é"],"file":{}}`},
		{"without a type", "", "cust_id=7", `{"cust_id":7,"tags":[],"file":{}}`},
		{
			"multipart", parts, part(`"cust_id"`, "7") + part(`"tags"`, "a") + part(`"file"; filename="a.txt"`, "hi") + "--XX--\r\n",
			`{"cust_id":7,"tags":["a"],"file":{"filename":"a.txt","content_type":"text/plain","encoding":"text","data":"hi"}}`,
		},
		{
			"a file that is no text", parts, part(`"cust_id"`, "7") + part(`"file"; filename="a"`, "\xff\x00") + "--XX--\r\n",
			`{"cust_id":7,"tags":[],"file":{"filename":"a","content_type":"text/plain","encoding":"base64","data":"/wA="}}`,
		},
		{"a bad field", urlencoded, "cust_id=x", `cust_id: expected an integer, not "x"`},
		{"a bad escape", urlencoded, "cust_id=%zz", `malformed form: the value of "cust_id": a % that begins no escape`},
		{"not UTF-8", urlencoded, "cust_id=%ff", `malformed form: a value of "cust_id" is not UTF-8`},
		{"too many values", urlencoded, strings.Repeat("a&", 10_000), `malformed form: more than 10000 values`},
		{"no end", parts, part(`"cust_id"`, "7"), `malformed form: the body ends before its last boundary`},
		{"a part without a name", parts, part(`""`, "7") + "--XX--\r\n", `malformed form: a part has no name`},
		{"no boundary", "multipart/form-data", "x", `malformed form: its Content-Type names no boundary`},
		{"another type", "application/json", "{}", `the body is "application/json"; send a form as application/x-www-form-urlencoded or multipart/form-data`},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, read(t, shape, sio.Form, row.body, typed(row.contentType)))
		})
	}
	resp, err := sio.Wrap(answer(service.ObjectOf("ok", true)), nil, options(sio.Form)).Handle(t.Context(), &service.Request{Raw: []byte("a=1")})
	require.NoError(t, err)
	assert.Equal(t, `{"ok":true} application/json`, string(resp.Raw)+" "+resp.ContentType)
}

func TestCSV(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "cust_id", Required: true}, {Name: "name"}}}
	for _, row := range []struct{ name, body, want string }{
		{"one row", "name,cust_id,x\nSean,7,y\n", `{"cust_id":7,"name":"Sean"}`},
		{"quotes and a byte order mark", "\ufeff\"cust_id\",name\r\n7,\"a \"\"b\"\",\r\nc\"\r\n", `{"cust_id":7,"name":"a \"b\",\r\nc"}`},
		{"no row", "cust_id\n", `expected an object with cust_id, name, not a list`},
		{"several rows", "cust_id\n1\n2\n", `expected an object with cust_id, name, not a list`},
		{"bad value", "cust_id\nx\n", `cust_id: expected an integer, not "x"`},
		{"a value too few", "a,b\n1,2\n3\n", `malformed CSV at line 3: a row with more or fewer values than the first`},
		{"an open quote", "a\n\"1\n", `malformed CSV at line 2: a quote that nothing closes`},
		{"text after a quote", "a\n\"1\n2\"3\n", `malformed CSV at line 3: text after a closing quote`},
		{"a bare quote", "a\n1\"2\n", `malformed CSV at line 2: a quote in a value that does not begin with one`},
		{"a name twice", "a,a\n", `malformed CSV at line 1: the first row names the columns, and "a" is the name of no column, or of two`},
		{"no name", "a,\n1,2\n", `malformed CSV at line 1: the first row names the columns, and "" is the name of no column, or of two`},
		{"not UTF-8", "a\n\xff\n", `malformed CSV at line 2: bytes that are not UTF-8`},
		{"too many columns", strings.Repeat("a,", 1000) + "a\n", `malformed CSV at line 1: more than 1000 columns`},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, read(t, shape, sio.CSV, row.body))
		})
	}
	assert.Equal(t, `[{"a":"1"},{"a":"2"}]`, read(t, nil, sio.CSV, "a\n1\n2\n"))
	out := &service.Shape{Repeated: true, Output: []service.Field{{Name: "id"}, {Name: "note"}, {Name: "l", Type: "list"}}}
	rows := []any{service.ObjectOf("note", "a \"b\",\nc", "id", 1, "x", 2), service.ObjectOf("id", 2, "note", " ", "l", []any{"x", "y"})}
	resp, err := sio.Wrap(answer(rows), out, options(sio.CSV)).Handle(t.Context(), &service.Request{})
	require.NoError(t, err)
	assert.Equal(t, "id,note,l\r\n1,\"a \"\"b\"\",\nc\",[]\r\n2,\" \",\"[\"\"x\"\",\"\"y\"\"]\"\r\n", string(resp.Raw))
	assert.Equal(t, "text/csv; charset=utf-8", resp.ContentType)
	resp, err = sio.Wrap(answer([]any{service.ObjectOf("b", nil, "a", true)}), nil, options(sio.CSV)).Handle(t.Context(), &service.Request{})
	require.NoError(t, err)
	assert.Equal(t, "b,a\r\n,true\r\n", string(resp.Raw))
	_, err = sio.Wrap(answer([]any{"x"}), nil, options(sio.CSV)).Handle(t.Context(), &service.Request{})
	assert.ErrorContains(t, err, `output cannot be written as CSV: element 1 is "x", and a row of a table is an object`)
}

func TestDecodeQuery(t *testing.T) {
	got, err := sio.DecodeQuery("a=1&a=2&b=x+y")
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{"a": {"1", "2"}, "b": {"x y"}}, got)
	for query, want := range map[string]string{
		"a=%zz": "malformed query string", "a=%ff": `a value of "a" is not UTF-8`, strings.Repeat("a&", 10_000): "more than 10000 values",
	} {
		_, err := sio.DecodeQuery(query)
		assert.ErrorContains(t, err, want, "%.20s", query)
	}
}

func TestOutputRules(t *testing.T) {
	fields := []service.Field{
		{Name: "id", Required: true},
		{Name: "note"},
		{Name: "tags", Type: "list"},
		{Name: "row_count"},
		{Name: "is_ok"},
		{Name: "o", Type: "dict", Fields: []service.Field{{Name: "a", Required: true}, {Name: "b"}}},
	}
	write := func(change func(*service.Shape), format string, payload any) string {
		shape := &service.Shape{Output: fields}
		change(shape)
		resp, err := sio.Wrap(answer(payload), shape, options(format)).Handle(t.Context(), &service.Request{CID: "c1"})
		if err != nil {
			assert.Equal(t, service.Internal, service.AsError(err).Code)
			return strings.TrimPrefix(err.Error(), `service "tutorial.get-client-details": `)
		}
		return string(resp.Raw)
	}
	plain := func(*service.Shape) {}
	set := service.ObjectOf("id", 1, "row_count", 0, "is_ok", false, "o", service.ObjectOf("a", "x", "secret", 1))
	for _, row := range []struct {
		name, format string
		change       func(*service.Shape)
		payload      any
		want         string
	}{
		{"nothing is left out", sio.JSON, plain, set, `{"response":{"id":1,"note":"","tags":[],"row_count":0,"is_ok":false,"o":{"a":"x","b":""}}}`},
		{"empty is left out, zero and false are not", sio.JSON, func(s *service.Shape) { s.SkipEmpty = []string{"*"} }, set, `{"response":{"id":1,"row_count":0,"is_ok":false,"o":{"a":"x"}}}`},
		{"some is left out", sio.JSON, func(s *service.Shape) { s.SkipEmpty = []string{"note"} }, set, `{"response":{"id":1,"tags":[],"row_count":0,"is_ok":false,"o":{"a":"x","b":""}}}`},
		{"all but some is left out", sio.JSON, func(s *service.Shape) { s.SkipEmpty, s.ForceEmpty = []string{"*"}, []string{"tags"} }, set, `{"response":{"id":1,"tags":[],"row_count":0,"is_ok":false,"o":{"a":"x"}}}`},
		{"required output stays", sio.JSON, func(s *service.Shape) { s.SkipEmpty = []string{"*"} }, service.ObjectOf("id", nil), `{"response":{"id":null}}`},
		{"required output may be missing", sio.JSON, func(s *service.Shape) { s.AllowEmptyRequired = true; s.SkipEmpty = []string{"tags"} }, nil, `{"response":{"id":null,"note":"","row_count":null,"is_ok":null,"o":{}}}`},
		{"missing is named with its path", sio.JSON, plain, service.ObjectOf("o", service.ObjectOf("b", []any{})), `output is not valid: id: missing; o.a: missing`},
		{"namespace", sio.XML, func(s *service.Shape) { s.Namespace = `urn:"a"&b`; s.SkipEmpty = []string{"*"} }, set, `<response xmlns="urn:&quot;a&quot;&amp;b">` + xmlEnv +
			`<item><id>1</id><row_count>0</row_count><is_ok>false</is_ok><o><a>x</a></o></item></response>`},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, write(row.change, row.format, row.payload))
		})
	}
}

func TestXMLOfDictionaries(t *testing.T) {
	shape := &service.Shape{Output: []service.Field{
		{Name: "free", Type: "dict"},
		{Name: "frees", Type: "dictlist"},
		{Name: "rows", Type: "dictlist", Fields: []service.Field{{Name: "id"}, {Name: "d", Type: "dict"}}},
		{Name: "l", Type: "list"},
		{Name: "none", Type: "dictlist"},
	}}
	payload := service.ObjectOf(
		"free", service.ObjectOf("a b", 1, "c", service.ObjectOf("d", "x")), "frees", []any{service.ObjectOf("1", "x")},
		"rows", []any{service.ObjectOf("id", 1, "d", service.ObjectOf("z y", 2))}, "l", []any{"x", "y"},
	)
	resp, err := sio.Wrap(answer(payload), shape, options(sio.XML)).Handle(t.Context(), &service.Request{CID: "c1"})
	require.NoError(t, err)
	const want = "<item><free><item><key>a b</key><value>1</value></item><item><key>c</key><value><d>x</d></value></item></free>" +
		"<frees><item><item><key>1</key><value>x</value></item></item></frees>" +
		"<rows><item><id>1</id><d><item><key>z y</key><value>2</value></item></d></item></rows><l><item>x</item><item>y</item></l><none/></item>"
	assert.Equal(t, "<response>"+xmlEnv+want+"</response>", string(resp.Raw))
	back := &service.Shape{RequestElem: "item", Input: shape.Output}
	assert.Equal(t, `{"free":{"a b":"1","c":{"d":"x"}},"frees":[{"1":"x"}],"rows":[{"id":1,"d":{"z y":"2"}}],"l":["x","y"],"none":[]}`, read(t, back, sio.XML, string(resp.Raw)))
}

func TestSecretsAreNotShown(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{
		{Name: "password", Type: "int"},
		{Name: "db_password", Type: "int"},
		{Name: "pin", Type: "int", Secret: true},
		{Name: "users", Type: "dictlist", Fields: []service.Field{{Name: "token", Type: "uuid"}}},
		{Name: "keys", Type: "list", Of: "int", Secret: true},
	}}
	const body = `{"password":"canary","db_password":"canary","pin":"canary","users":[{"token":"canary"}],"keys":["canary"]}`
	assert.Equal(t, `password: expected an integer, not ***; db_password: expected an integer, not ***; pin: expected an integer, not ***; `+
		`users[0].token: expected a UUID such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8, not ***; keys[0]: expected an integer, not ***`, read(t, shape, sio.JSON, body))
	c := sio.NewChecker("s", shape)
	assert.Equal(t, []string{"password", "db_password", "pin", "users.token", "keys"}, c.Secrets())
	assert.EqualError(t, sio.Validate(&service.Shape{Input: []service.Field{{Name: "password", Type: "int", Default: "canary"}}}),
		`the declared input and output are not valid: input field "password": its default is ***; expected an integer`)
}

func ExampleConventions_Describe() {
	c := sio.DefaultConventions()
	for _, f := range c.Describe([]service.Field{{Name: "cust_id", Default: "5"}, {Name: "is_vip"}, {Name: "password", Default: "x"}}) {
		fmt.Println(f.Name, f.Type, f.Secret, f.Default)
	}
	// Output:
	// cust_id int false 5
	// is_vip bool false <nil>
	// password text true <nil>
}
