Feature: Messages in services
  Services read and change JSON by JSON Pointer and JSONPath, read XML by XPath with namespaces, build XML, and call
  systems that speak XML or SOAP.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers
    And service file "messages/messages.star" is deployed
    And definitions from "messages/messages.yaml"
    And format "JSON"
    And HTTP method "POST"

  Scenario: JSON Pointer and JSONPath
    Given URL path "/pointers"
    And request is "{"customer": {"name": "Sean"}, "lines": [{"product": "Tea", "count": 2}, {"product": "Milk", "count": 1}], "secret": 5}"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"city": "unknown", "many": ["Tea"], "order": {"customer": {"name": "Sean", "vip": true}, "lines": [{"product": "Tea", "count": 2}, {"product": "Milk", "count": 1}, {"product": "Bag", "count": 1}]}}"

  Scenario: XPath, with namespaces whatever the message calls them
    Given format "RAW"
    And response format "JSON"
    And URL path "/read-xml"
    And request is "<x:order xmlns:x="urn:orders"><x:customer id="7"/><x:line count="2">Tea</x:line><x:line count="1">Milk &amp; co</x:line></x:order>"
    When the URL is invoked
    Then JSON response is equal to "{"customer": "7", "total": 3, "products": ["Tea", "Milk & co"]}"

  Scenario: XML is built from plain data
    Given response format "RAW"
    And URL path "/build-xml"
    And there is no request body
    When the URL is invoked
    Then header "Content-Type" contains "xml"
    And response is equal to "<o:order xmlns:o="urn:orders" id="7"><o:line>Tea</o:line><o:line>Milk &amp; co</o:line></o:order>"

  Scenario: A service sees what is wrong with a message, and goes on
    Given format "RAW"
    And response format "JSON"
    And URL path "/safe"
    And request is "<order><line></order>"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/ok" is false
    And JSON Pointer "/why" is "xml.parse: malformed XML at line 1, column 22: </order> stands where </line> should"

  Scenario: A SOAP service is called by operation and payload
    Given URL path "/soap-customer"
    And request is "{"cust_id": 7}"
    And the CRM mock answers with body "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetCustomerResponse xmlns="urn:crm"><name>Sean</name></GetCustomerResponse></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"name": "Sean"}"
    And the CRM received 1 request
    And its request has header "SOAPAction" ""urn:crm/GetCustomer""

  Scenario: What a SOAP service refuses is an error of the system that was called
    Given URL path "/soap-customer"
    And request is "{"cust_id": 7}"
    And the CRM mock answers with body "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>no such customer</faultstring></s:Fault></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "502"
    And JSON Pointer "/parley_env/details" contains the text "SOAP fault Client: no such customer"

  Scenario: A system that speaks XML
    Given URL path "/xml-customer"
    And request is "{"cust_id": 7}"
    And the CRM mock answers with body "<c:customer xmlns:c="urn:crm" id="7"><c:name>Sean</c:name></c:customer>"
    When the URL is invoked
    Then JSON response is equal to "{"name": "Sean"}"
    And the CRM received 1 request
    And its request has header "Content-Type" "application/xml"
