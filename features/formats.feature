Feature: One service, every format
  A service declares once what it takes and what it gives. Each channel turns its own format into that, refuses what is
  wrong with one message that names it all, and lets nothing out that was not declared.

  Background:
    Given a cluster of 2 servers
    And service file "formats/orders.star" is deployed
    And definitions from "formats/orders.yaml"
    And format "JSON"
    And HTTP method "POST"
    And URL path "/orders/json"
    And request is "{"cust_id": "123", "name": "Sean", "is_vip": "yes", "password": "canary", "due": "01.12.2026", "lines": [{"product": "A", "count": "2"}, {"count": 3, "product": "B", "more": 1}], "tags": ["x"]}"

  Scenario: JSON
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"response": {"order_id": 7, "customer": {"name": "Sean", "vip": true}, "total": 5, "due": "01.12.2026"}}"

  Scenario: XML, with lists as items or as elements of one name
    Given format "XML"
    And URL path "/orders/xml"
    And request is "<order><cust_id>123</cust_id><name>Sean</name><is_vip>yes</is_vip><due>01.12.2026</due><lines><item><product>A</product><count>2</count></item></lines><lines><count>3</count><product>B</product></lines></order>"
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" contains "xml"
    And response contains "<item><order_id>7</order_id><customer><name>Sean</name><vip>true</vip></customer><total>5</total><due>01.12.2026</due></item></response>"

  Scenario: A web form
    Given format "FORM"
    And response format "JSON"
    And URL path "/orders/form"
    And request is "cust_id=123&name=Sean+O%27Brien&is_vip=on&tags=a&tags=b"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"response": {"order_id": 7, "customer": {"name": "Sean O'Brien", "vip": true}, "total": 0, "due": "24.12.2026"}}"

  Scenario: A table in CSV, whose first row names the columns
    Given format "RAW"
    And header "Content-Type" "text/csv"
    And URL path "/orders/csv"
    And request "one-order.csv"
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" starts with "text/csv"
    And response contains "order_id,customer,total,due,note"
    And response contains "7,"{""name"":""Sean"",""vip"":false}",0,24.12.2026,"

  Scenario: Everything that is wrong is named at once, nested fields with their paths, and no secret is shown
    Given request is "{"cust_id": "x", "password": ["canary"], "is_vip": "perhaps", "due": "2026-12-01", "lines": [{"product": "A", "count": 0}, {}, 5]}"
    When the URL is invoked
    Then status is "400"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And JSON Pointer "/parley_env/details" contains the text "cust_id: expected an integer, not "x""
    And JSON Pointer "/parley_env/details" contains the text "is_vip: expected true or false, not "perhaps""
    And JSON Pointer "/parley_env/details" contains the text "lines[0].count: expected an integer from 1 to 100, not 0"
    And JSON Pointer "/parley_env/details" contains the text "lines[1].product: missing"
    And JSON Pointer "/parley_env/details" contains the text "lines[2]: expected an object with product, count, not 5"
    And JSON Pointer "/parley_env/details" contains the text "name: missing"
    And response does not contain "canary"

  Scenario: Output that the service forgets is its own fault, and named
    Given URL path "/orders/forgets"
    And request is "{}"
    When the URL is invoked
    Then status is "500"
    And JSON Pointer "/parley_env/details" contains the text "service "orders.forgets": output is not valid: status: missing"

  Scenario: A list of objects as JSON, CSV and XML, from the path's parameter
    Given HTTP method "GET"
    And there is no request body
    And URL path "/customers/123/orders"
    When the URL is invoked
    Then JSON response is equal to "[{"order_id": 1, "product": "A, \"B\"", "cust_id": 123}, {"order_id": 2, "product": "A, \"B\"", "cust_id": 123}]"
    Given response format "RAW"
    And URL path "/customers/123/orders.csv"
    When the URL is invoked
    Then header "Content-Type" starts with "text/csv"
    And response contains "order_id,product,cust_id"
    And response contains "2,"A, ""B""",123"
    Given URL path "/customers/123/orders.xml"
    When the URL is invoked
    Then response contains "<item_list><item><order_id>1</order_id>"

  Scenario Outline: Where a value comes from: <what>
    Given URL path "<path>"
    And HTTP method "<method>"
    And request is "{"cust_id": 5}"
    And query string "?cust_id=9"
    When the URL is invoked
    Then JSON Pointer "/0/cust_id" is an integer "<cust_id>"

    Examples:
      | what                                | path                      | method | cust_id |
      | the query string before the path    | /customers/123/orders     | GET    | 9       |
      | the path before the query string    | /customers/123/path-first | GET    | 123     |
      | the body before the parameters      | /customers/123/body-first | POST   | 5       |

  Scenario Outline: What is malformed is refused where it is wrong: <what>
    Given format "RAW"
    And URL path "<path>"
    And request is "<body>"
    When the URL is invoked
    Then status is "400"
    And response contains "<words>"

    Examples:
      | what                  | path         | body                                            | words                                          |
      | a key twice           | /orders/json | {"cust_id": 1, "cust_id": 2}                    | stands twice in one object                     |
      | a number beyond sense | /orders/json | {"cust_id": 1e999999999}                        | a number with an exponent beyond 9999          |
      | an XML entity         | /orders/xml  | <!DOCTYPE r [<!ENTITY a "x">]><r>&a;</r>        | a DOCTYPE or other declaration is not accepted |
      | a row too short       | /orders/csv  | no end "of a quote                              | malformed CSV at line 1                        |
      | an escape of nothing  | /orders/form | cust_id=%zz                                     | a % that begins no escape                      |

  Scenario: What names stand for is the cluster's own affair, and takes effect at once
    Given definitions from "formats/conventions.yaml"
    And HTTP method "GET"
    And URL path "/customers/abc/orders"
    And there is no request body
    When the URL is invoked
    Then status is "400"
    And on every server, JSON Pointer "/parley_env/details" is "input is not valid: cust_id: expected an integer, not "abc""

  Scenario: All of it is described in OpenAPI
    Given HTTP method "GET"
    And URL path "/parley/openapi.json"
    And there is no request body
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/openapi" is "3.1.0"
    And JSON Pointer "/paths/~1orders~1json/post/summary" is "Creates an order."
    And JSON Pointer "/paths/~1orders~1json/post/requestBody/content/application~1json/schema/properties/lines/items/properties/count/maximum" is an integer "100"
    And JSON Pointer "/paths/~1orders~1json/post/requestBody/content/application~1json/schema/properties/password/format" is "password"
    And JSON Pointer "/paths/~1customers~1{cust_id}~1orders/get/parameters/0/schema/type" is "integer"
