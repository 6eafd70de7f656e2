Feature: Customers

  A first test to run and to change. It talks to a mock, which answers what is written in mocks/customers.yaml;
  to test an API of yours, put its address behind "address" and delete the line with the mock.

  Background:
    Given an HTTP mock from "mocks/customers.yaml"
    And address "#MOCK_ADDRESS"
    And format "JSON"
    And header "X-Tester" "@tester"

  @smoke
  Scenario: A customer is found
    Given URL path "/customers/123"
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" contains "json"
    And JSON Pointer "/name" is "Sean"
    And JSON Pointer "/age" is an integer "42"
    And JSON Pointer "/cities" is a list "Dublin,Cork"
    And response is equal to that from "customer.json"

  Scenario: A customer is added
    Given HTTP method "POST"
    And URL path "/customers"
    And request "new-customer.json"
    And JSON Pointer "/code" in request is a random string
    When the URL is invoked
    Then status is "201"
    And I store "/id" from response under "id"
    And header "Location" is "/customers/#{id}"
    # What the mock received can be looked at too.
    And the HTTP mock received 1 request
    And its request has JSON Pointer "/name" "Ann"
    And its request has header "X-Tester" "@tester"

  Scenario Outline: There is no customer <number>
    Given URL path "/customers/<number>"
    When the URL is invoked
    Then status is "404"
    And JSON Pointer "/error" starts with "no customer"

    Examples:
      | number |
      | 0      |
      | 999    |
