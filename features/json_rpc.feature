Feature: Services over JSON-RPC 2.0
  One channel exposes several services as methods. Params come by name or by position, several calls come in one batch,
  and what goes wrong has the codes of the standard.

  Background:
    Given a cluster of 2 servers
    And service file "json_rpc/orders.star" is deployed
    And definitions from "json_rpc/orders.yaml"
    And the Redis list "orders:seen" is empty
    And format "JSON"
    And HTTP method "POST"
    And URL path "/rpc"

  Scenario: Params by name
    Given request is "{"jsonrpc": "2.0", "method": "order.create", "params": {"count": "3", "product": "Tea"}, "id": 1}"
    When the URL is invoked
    Then status is "200"
    And header "X-Parley-CID" is not empty
    And JSON response is equal to "{"jsonrpc": "2.0", "result": {"order_id": 7, "total": 6}, "id": 1}"

  Scenario: Params by position, in the order in which the service declares them
    Given request is "{"jsonrpc": "2.0", "method": "order.create", "params": ["Tea", 3], "id": "a"}"
    When the URL is invoked
    Then JSON response is equal to "{"jsonrpc": "2.0", "result": {"order_id": 7, "total": 6}, "id": "a"}"

  Scenario: A batch is answered in its order, notifications in it are not
    Given request is "[{"jsonrpc": "2.0", "method": "order.get", "params": [7], "id": 1}, {"jsonrpc": "2.0", "method": "order.log", "params": [1]}, {"jsonrpc": "2.0", "method": "order.get", "params": {"order_id": 8}, "id": 2}]"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/0/result/state" is "paid"
    And JSON Pointer "/1/error/code" is an integer "-32004"
    And JSON Pointer "/1/error/message" is "no such order"
    And the Redis list "orders:seen" holds "[1]"

  Scenario: A notification has no reply
    Given request is "{"jsonrpc": "2.0", "method": "order.log", "params": {"a": 1}}"
    When the URL is invoked
    Then status is "204"
    And the Redis list "orders:seen" holds "{"a":1}"

  Scenario Outline: What goes wrong: <what>
    Given format "RAW"
    And request is "<request>"
    When the URL is invoked
    Then status is "200"
    And response contains ""error":{"code":<code>,"message":"<message>""

    Examples:
      | what                | request                                                                                | code   | message                |
      | no JSON             | {"jsonrpc": "2.0", "method                                                             | -32700 | Parse error            |
      | no request          | {"method": "order.get"}                                                                | -32600 | Invalid Request        |
      | an empty batch      | []                                                                                     | -32600 | Invalid Request        |
      | a batch too long    | [1, 2, 3, 4, 5, 6]                                                                     | -32600 | Invalid Request        |
      | no such method      | {"jsonrpc": "2.0", "method": "order.delete", "id": 1}                                  | -32601 | Method not found       |
      | what a service says | {"jsonrpc": "2.0", "method": "order.create", "params": ["Tea", 101], "id": 1}          | -32009 | only 100 are in stock  |

  Scenario: All that is wrong with params is named at once
    Given request is "{"jsonrpc": "2.0", "method": "order.create", "params": {"count": 0}, "id": 1}"
    When the URL is invoked
    Then JSON Pointer "/error/code" is an integer "-32602"
    And JSON Pointer "/error/message" is "Invalid params"
    And JSON Pointer "/error/data/errors/0" is "count: expected an integer of at least 1, not 0"
    And JSON Pointer "/error/data/errors/1" is "product: missing"
    And I store header "X-Parley-CID" under "cid"
    And JSON Pointer "/error/data/cid" is "#cid"

  Scenario: A channel with a security definition lets nobody else in
    Given URL path "/rpc/partners"
    And request is "{"jsonrpc": "2.0", "method": "orders.get", "params": [7], "id": 1}"
    When the URL is invoked
    Then status is "401"
    And JSON Pointer "/error/code" is an integer "-32001"
    Given Basic Auth "sean" "a long password"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/result/state" is "paid"
