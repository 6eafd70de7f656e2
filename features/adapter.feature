Feature: An API in front of another, with no code
  A JSON adapter is a service that is written in YAML: it calls an outgoing connection, and renames what goes there and
  what comes back. Channels expose it as they expose any service.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers
    And definitions from "adapter/adapter.yaml"
    And format "JSON"
    And HTTP method "GET"
    And URL path "/customers/7"

  Scenario: The CRM is asked in its words, and the caller answered in ours
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"first_name": "Sean", "last_name": "O'Brien"}"
    And I store header "X-Parley-CID" under "cid"
    And the CRM received 1 request
    And its request has JSON Pointer "/customer/id" that is JSON "7"
    And its request has JSON Pointer "/source" "parley"
    And its request has header "X-Parley-CID" "#cid"

  Scenario: The same over JSON-RPC
    Given HTTP method "POST"
    And URL path "/rpc"
    And request is "{"jsonrpc": "2.0", "method": "customer.get", "params": [7, "en"], "id": 1}"
    When the URL is invoked
    Then JSON response is equal to "{"jsonrpc": "2.0", "result": {"first_name": "Sean", "last_name": "O'Brien"}, "id": 1}"
    And the CRM received 1 request
    And its request has JSON Pointer "/language" "en"

  Scenario: What the caller sends is checked first
    Given URL path "/customers/seven"
    When the URL is invoked
    Then status is "400"
    And JSON Pointer "/parley_env/details" is "input is not valid: cust_id: expected an integer, not "seven""
    And the CRM received 0 requests

  Scenario Outline: The CRM answers with <status>
    Given the CRM mock answers with status "<status>"
    When the URL is invoked
    Then status is "<answer>"
    And JSON Pointer "/parley_env/details" is "adapter "crm.get-customer": outconn "CRM" answered with status <status>"

    Examples:
      | status | answer |
      | 404    | 404    |
      | 500    | 502    |

  Scenario: A connection that is not there is refused, with the name that may be meant
    When importing definitions from "adapter/unknown.yaml" is tried
    Then it is refused with "there is no outgoing_rest connection "CRMM"; did you mean "CRM"?"
