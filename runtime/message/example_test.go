package message_test

import (
	"fmt"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
)

func ExamplePointer() {
	order := service.ObjectOf("customer", service.ObjectOf("name", "Sean"), "lines", []any{"A"})
	name, _ := message.ParsePointer("/customer/name")
	last, _ := message.ParsePointer("/lines/-")
	fmt.Println(name.Get(order))
	_, _ = last.Set(order, "B")
	raw, _ := order.MarshalJSON()
	fmt.Println(string(raw))
	// Output:
	// Sean true
	// {"customer":{"name":"Sean"},"lines":["A","B"]}
}

func ExampleJSONPath_Find() {
	lines := []any{service.ObjectOf("sku", "A", "count", int64(2)), service.ObjectOf("sku", "B", "count", int64(20))}
	many, err := message.CompileJSONPath("$[?@.count > 10].sku")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(many.Find(lines))
	// Output: [B] <nil>
}

func ExampleXPath_Get() {
	doc, err := message.ParseXML([]byte(`<order xmlns="urn:orders"><customer id="7">Sean</customer></order>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := message.CompileXPath("o:customer/@id", map[string]string{"o": "urn:orders"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(id.Get(doc))
	// Output: 7 true <nil>
}

func ExampleBuildXML() {
	order := service.ObjectOf("@id", int64(7), "line", []any{"A", "B"})
	raw, err := message.BuildXML("order", order, map[string]string{"": "urn:orders"})
	fmt.Println(string(raw), err)
	// Output: <order xmlns="urn:orders" id="7"><line>A</line><line>B</line></order> <nil>
}

func ExampleParseSOAP() {
	raw, err := message.SOAP{Body: service.ObjectOf("c:Get", service.ObjectOf("c:id", int64(7))), Namespaces: map[string]string{"c": "urn:crm"}}.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	env, err := message.ParseSOAP(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(env.Version, env.Payload().Name, env.Payload().Child("urn:crm", "id").Text())
	// Output: 1.1 Get 7
}
