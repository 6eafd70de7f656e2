Feature: SOAP
  Services that are reached over SOAP 1.1 and 1.2: by operations, with a WSDL that describes them, with faults that each
  version has, and behind WS-Security.

  Background:
    Given a cluster of 2 servers
    And service file "formats/bank.star" is deployed
    And definitions from "formats/bank.yaml"
    And namespace prefix "soap" of "http://schemas.xmlsoap.org/soap/envelope/"
    And namespace prefix "soap12" of "http://www.w3.org/2003/05/soap-envelope"
    And namespace prefix "bank" of "urn:example:bank"
    And namespace prefix "wsdl" of "http://schemas.xmlsoap.org/wsdl/"
    And namespace prefix "xsd" of "http://www.w3.org/2001/XMLSchema"
    And format "XML"
    And HTTP method "POST"
    And URL path "/soap/bank"
    And header "Content-Type" "text/xml; charset=utf-8"

  Scenario: An operation over SOAP 1.1
    Given request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetClient xmlns="urn:example:bank"><cust_id>1</cust_id><limit>12345678901234567890.10</limit><tags>a</tags><tags>b</tags></GetClient></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" is "text/xml; charset=utf-8"
    And XPath "/soap:Envelope/soap:Body/bank:GetClientResponse/bank:name" is "Sean O'Brien"
    And XPath "//bank:accounts[1]/bank:balance" is "12345678901234567890.10"
    And XPath "//bank:accounts[2]/bank:iban" is "DE2"
    And XPath "//bank:tags[2]" is "b"
    And response does not contain "never leaves"

  Scenario: An operation over SOAP 1.2 is answered in SOAP 1.2
    Given header "Content-Type" "application/soap+xml; charset=utf-8"
    And request is "<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><b:GetClient xmlns:b="urn:example:bank"><b:cust_id>1</b:cust_id></b:GetClient></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" starts with "application/soap+xml"
    And XPath "/soap12:Envelope/soap12:Body/bank:GetClientResponse/bank:born" is "1980-01-02"
    And XPath "//bank:accounts[1]/bank:balance" is "100.00"

  Scenario: The SOAPAction says which operation it is where the element does not
    Given SOAP action "urn:example:bank/GetClient"
    And request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><request><cust_id>1</cust_id></request></s:Body></s:Envelope>"
    When the URL is invoked
    Then XPath "//bank:GetClientResponse/bank:balance" is "1250.50"

  Scenario: What is wrong with the input is the client's fault, named in full
    Given request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetClient><cust_id>x</cust_id><limit>much</limit></GetClient></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "500"
    And XPath "/soap:Envelope/soap:Body/soap:Fault/faultcode" is "soap:Client"
    And XPath "//faultstring" is "input is not valid: cust_id: expected an integer, not "x"; limit: expected a decimal number such as 12.50, not "much""
    And XPath "//detail/bank:parley_env/bank:cid" has text

  Scenario: The same in SOAP 1.2
    Given header "Content-Type" "application/soap+xml; charset=utf-8"
    And request is "<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetClient/></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "400"
    And XPath "//soap12:Fault/soap12:Code/soap12:Value" is "soap:Sender"
    And XPath "//soap12:Reason/soap12:Text" is "input is not valid: cust_id: missing"
    And XPath "//soap12:Detail/bank:parley_env/bank:cid" has text

  Scenario: A service that finds nothing answers with a fault, and what it said is the detail
    Given request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetClient><cust_id>404</cust_id></GetClient></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "500"
    And XPath "//faultstring" is "service "bank.get-client" answered with the status 404"
    And XPath "//detail/bank:GetClientResponse/bank:name" is "Sean O'Brien"

  Scenario Outline: What cannot be taken is a fault: <what>
    Given request is "<message>"
    When the URL is invoked
    Then status is "500"
    And XPath "//soap:Fault/faultcode" is "soap:<code>"
    And response contains "<words>"

    Examples:
      | what                          | code            | words                                               | message                                                                                                                                                                                       |
      | a version of no time          | VersionMismatch | SOAP 1.2 and 1.1 is served here                     | <s:Envelope xmlns:s="urn:soap:9"><s:Body/></s:Envelope>                                                                                                                                       |
      | a header that nobody knows    | MustUnderstand  | the header {urn:x}Tx must be understood, and is not | <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><x:Tx xmlns:x="urn:x" s:mustUnderstand="1"/></s:Header><s:Body><GetClient><cust_id>1</cust_id></GetClient></s:Body></s:Envelope> |
      | an operation that is not there | Client          | there is Get | <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetClients/></s:Body></s:Envelope>                                                                                    |
      | a DTD with an entity          | Client          | a DOCTYPE or other declaration is not accepted      | <!DOCTYPE a [<!ENTITY b "c">]><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetClient><cust_id>1</cust_id></GetClient></s:Body></s:Envelope>                          |
      | no envelope                   | Client          | this is no SOAP message: its root is no Envelope    | <request/>                                                                                                                                                                                    |

  Scenario: An operation without a reply
    Given request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Note><text>hello</text></Note></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "202"

  Scenario: The WSDL describes it all, to everybody
    Given HTTP method "GET"
    And there is no request body
    And query string "?wsdl"
    When the URL is invoked
    Then status is "200"
    And XPath "/wsdl:definitions/@targetNamespace" is "urn:example:bank"
    And XPath "//xsd:element[@name='GetClient']//xsd:element[@name='cust_id']/@type" is "xsd:long"
    And XPath "//xsd:element[@name='GetClient']//xsd:element[@name='limit']/@minOccurs" is "0"
    And XPath "//xsd:element[@name='GetClientResponse']//xsd:element[@name='accounts']/@maxOccurs" is "unbounded"
    And XPath "//xsd:complexType[@name='GetClientResponse_accounts']//xsd:element[@name='balance']/@type" is "xsd:decimal"
    And XPath "//wsdl:portType/wsdl:operation[@name='GetClient']/wsdl:documentation" is "Everything that is known of a client."
    And response contains "/soap/bank"

  Scenario: WS-Security lets in who knows the password
    Given URL path "/soap/partners"
    And SOAP action "urn:example:get-client"
    And request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" s:mustUnderstand="1"><w:UsernameToken><w:Username>joe</w:Username><w:Password>canary-1</w:Password></w:UsernameToken></w:Security></s:Header><s:Body><GetClient><cust_id>1</cust_id></GetClient></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "200"
    And XPath "//bank:GetClientResponse/bank:name" is "Sean O'Brien"

  Scenario Outline: WS-Security refuses <who>
    Given URL path "/soap/partners"
    And request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><header></s:Header><s:Body><GetClient><cust_id>1</cust_id></GetClient></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "parley-wss"
    And XPath "//soap:Fault/faultcode" is "soap:Client"
    And response does not contain "canary"

    Examples:
      | who                | header                                                                                                                                                                                                                                                     |
      | nobody             |                                                                                                                                                                                                                                                            |
      | a wrong password   | <w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><w:UsernameToken><w:Username>joe</w:Username><w:Password>canary-2</w:Password></w:UsernameToken></w:Security>                                        |
      | a wrong user       | <w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><w:UsernameToken><w:Username>jim</w:Username><w:Password>canary-1</w:Password></w:UsernameToken></w:Security>                                        |
