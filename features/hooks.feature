Feature: Hooks
  A service has functions around its handle: some decide whether a request goes on, some prepare and tidy up. They run in one
  order, whatever channel a request comes from.

  Background:
    Given a cluster of 1 server
    And service file "hooks/orders.star" is deployed
    And definitions from "hooks/channels.yaml"
    And format "JSON"
    And URL path "/orders"

  Scenario: Their order
    Given query string "?amount=10"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"response": {"steps": ["accept", "before_handle", "validate_input", "handle", "validate_output", "after_handle"]}}"
    And the log of server 1 contains "order of 10: accept, before_handle, validate_input, handle, validate_output, after_handle, finalize_handle" within 20 seconds

  Scenario: What accept does not accept is answered 400 without a body, and finalize_handle runs all the same
    Given query string "?amount=-5"
    And response format "RAW"
    When the URL is invoked
    Then status is "400"
    And header "Content-Length" is "0"
    And the log of server 1 contains "order of -5: accept, finalize_handle" within 20 seconds

  Scenario: validate_input refuses in words of its own
    Given query string "?amount=2000"
    When the URL is invoked
    Then status is "400"
    And JSON Pointer "/parley_env/details" is "amount: more than 1000 needs a signature"
    And the log of server 1 contains "order of 2000: accept, before_handle, validate_input, finalize_handle" within 20 seconds

  Scenario: An error in before_handle ends nothing, and is logged with its place
    Given query string "?amount=11&breaks=before_handle"
    When the URL is invoked
    Then status is "200"
    And the log of server 1 contains "hook=before_handle" within 20 seconds
    And the log of server 1 contains "orders.star:13:" within 20 seconds

  Scenario: An error in validate_output is the service's
    Given query string "?amount=12&breaks=validate_output"
    When the URL is invoked
    Then status is "500"
    And JSON Pointer "/parley_env/details" is "internal error"
    And the log of server 1 contains "validate_output: fail: validate_output breaks" within 20 seconds
    And the log of server 1 contains "order of 12: accept, before_handle, validate_input, handle, validate_output, finalize_handle" within 20 seconds

  Scenario: Input that SimpleIO refuses reaches no hook
    Given query string "?amount=many"
    When the URL is invoked
    Then status is "400"
    And JSON Pointer "/parley_env/details" contains the text "amount: expected an integer"
