Feature: What stays from scenario to scenario of a file

  Scenario: no address yet
    When the URL is invoked

  Scenario: set everything up
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "PUT"
    And query string "?a=1"
    And format "JSON"
    And header "X-Own" "mine"
    And Basic Auth "ann" "secret"
    And request is "{"a": 1, "list": []}"
    And I store "kept" under "name"
    And date format "own" "YYYY"
    When the URL is invoked
    Then status is "200"

  Scenario: all of it is still there
    When the URL is invoked
    Then path "/method" is "PUT"
    And path "/path" is "/echo"
    And path "/query" is "a=1"
    And path "/headers/X-Own" is "mine"
    And path "/headers/Authorization" is "Basic YW5uOnNlY3JldA=="
    And path "/json" is JSON "{"a": 1, "list": []}"
    And variable "#name" is a string "kept"

  Scenario: the body that is there can be changed
    Given path "/b" in request is "2"
    And path "/list/-" in request is "x"
    When the URL is invoked
    Then path "/json" is JSON "{"a": 1, "list": ["x"], "b": "2"}"

  Scenario: and stays changed
    Given path "/list/-" in request is "y"
    When the URL is invoked
    Then path "/json" is JSON "{"a": 1, "list": ["x", "y"], "b": "2"}"

  Scenario: the last reply stays too
    Then path "/json/b" is "2"
    And status is "200"

  Scenario: a date format stays
    Given path "/year" in request is a random date between "2020-01-01" and "2020-01-02" "own"
    When the URL is invoked
    Then path "/json/year" is "2020"

  Scenario: a value is overwritten
    Given I store "again" under "name"
    Then variable "#name" is a string "again"

  Scenario: given after when, and several whens
    When the URL is invoked
    Then path "/method" is "PUT"
    Given HTTP method "POST"
    When the URL is invoked
    Then path "/method" is "POST"

  Scenario: clean up
    Then context is cleaned up

  Scenario: the address is gone
    When the URL is invoked

  Scenario: the stored value is gone
    Then variable "#name" is a string "again"

  Scenario: the reply is gone
    Then status is "200"

  Scenario: the date format is gone
    Given I store a random date under "d", format "own"

  Scenario: the default date format is there
    Given I store a random date under "d", format "default"

  Scenario: the rest is gone too
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And format "JSON"
    When the URL is invoked
    Then path "/method" is "GET"
    And path "/query" is empty
    And path "/body" is empty

  Scenario: the own header is gone
    When the URL is invoked
    Then path "/headers/X-Own" is "mine"

  Scenario: the password is gone
    When the URL is invoked
    Then path "/headers/Authorization" is not empty

  Scenario: clean up in the middle
    Given header "X-Own" "mine"
    And context is cleaned up

  Scenario: the failing step's scenario is skipped from there on
    Given address "$APITEST_ADDRESS"
    When the URL is invoked
    Then status is "201"
    And status is "200"
    And context is cleaned up

  Scenario: the next one goes on with what was said
    When the URL is invoked
    Then status is "200"
