Feature: Internal services on channels
  What an operator does goes through internal services. A channel with security may expose them, so that others' programs
  can call them over REST and SOAP.

  Background:
    Given a cluster of 2 servers
    And definitions from "operate/operate.yaml"
    And HTTP method "POST"

  Scenario: Over REST
    Given URL path "/ops/members"
    And Basic Auth "joe" "joe-pass"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/response/0/name" is "server1"
    And JSON Pointer "/response/1/name" is "server2"

  Scenario: Nobody else gets in
    Given URL path "/ops/members"
    When the URL is invoked
    Then status is "401"

  Scenario Outline: Who may look at the dashboard
    Given URL path "/ops/log-in"
    And Basic Auth "joe" "joe-pass"
    And format "JSON"
    And request is "{"name": "vera", "password": "<password>"}"
    When the URL is invoked
    Then status is "<status>"
    And response contains "<told>"

    Examples:
      | password  | status | told             |
      | vera-pass | 200    | viewer           |
      | guess     | 401    | missing or wrong |

  Scenario: Over SOAP
    Given format "XML"
    And namespace prefix "ops" of "urn:ops"
    And URL path "/ops/soap"
    And header "Content-Type" "text/xml; charset=utf-8"
    And Basic Auth "joe" "joe-pass"
    And request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Deploy xmlns="urn:ops"><files><name>hello.star</name><source>def handle(self): pass</source></files></Deploy></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "200"
    And XPath "//ops:services" is "hello"

  Scenario: Without security nothing is exposed
    When importing definitions from "operate/open.yaml" is tried
    Then it is refused with "parley.cluster.members is an internal service"
