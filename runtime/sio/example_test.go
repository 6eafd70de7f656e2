package sio_test

import (
	"context"
	"fmt"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func ExampleWrap() {
	shape := &service.Shape{
		Input:  []service.Field{{Name: "cust_id", Required: true}, {Name: "is_vip"}},
		Output: []service.Field{{Name: "first_name", Required: true}, {Name: "is_vip"}},
	}
	greet := service.HandlerFunc(func(_ context.Context, req *service.Request) (*service.Response, error) {
		in := req.Input.(*service.Object)
		return &service.Response{Payload: service.ObjectOf("first_name", "Sean", "is_vip", in.Value("is_vip"), "secret", "x")}, nil
	})
	for _, one := range []struct{ format, body string }{
		{sio.JSON, `{"cust_id":123,"is_vip":"yes"}`},
		{sio.XML, `<request><cust_id>123</cust_id></request>`},
		{sio.JSON, `{"cust_id":"abc","is_vip":"perhaps"}`},
	} {
		handler := sio.Wrap(greet, shape, sio.Options{Format: one.format, Names: service.ParleyNames(), Service: "greet"})
		resp, err := handler.Handle(context.Background(), &service.Request{CID: "0a1b", Raw: []byte(one.body)})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(string(resp.Raw))
	}
	// Output:
	// {"response":{"first_name":"Sean","is_vip":true}}
	// <response><parley_env><cid>0a1b</cid><result>PARLEY_OK</result></parley_env><item><first_name>Sean</first_name><is_vip/></item></response>
	// input is not valid: cust_id: expected an integer, not "abc"; is_vip: expected true or false, not "perhaps"
}

func ExampleDecodeJSON() {
	v, err := sio.DecodeJSON([]byte(`{"b": 123456789012345678901, "a": 12.50}`))
	fmt.Println(err)
	for key, value := range v.(*service.Object).All() {
		fmt.Printf("%s %T %v\n", key, value, value)
	}
	_, err = sio.DecodeJSON([]byte("{\"cust_id\": 123\n \"cust_type\": \"A\"}"))
	fmt.Println(err)
	// Output:
	// <nil>
	// b service.Number 123456789012345678901
	// a float64 12.5
	// malformed JSON at line 2, column 2: '"' after a value, where ',' or '}' should be
}

func ExampleDecodeXML() {
	v, err := sio.DecodeXML([]byte(`<request><cust_id>123</cust_id><tag>a</tag><tag>b</tag></request>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := sio.EncodeJSON(v)
	fmt.Println(string(out), err)
	// Output: {"cust_id":"123","tag":["a","b"]} <nil>
}

func ExampleNewChecker() {
	checker := sio.NewChecker("crm.get", &service.Shape{Input: []service.Field{{Name: "cust_id", Required: true}}})
	in, err := checker.Input(service.ObjectOf("cust_id", "7", "other", true), nil)
	fmt.Println(in.(*service.Object).Value("cust_id"), in.(*service.Object).Len(), err)
	// Output: 7 1 <nil>
}

func ExampleEncodeError() {
	body, contentType := sio.EncodeError(sio.JSON, service.ParleyNames(), "0a1b", "unknown customer 7")
	fmt.Println(contentType, string(body))
	// Output: application/json {"parley_env":{"cid":"0a1b","result":"PARLEY_ERROR","details":"unknown customer 7"}}
}
