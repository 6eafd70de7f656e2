Feature: Customers

  First tests, to run and to change. They talk to a mock: a server that apitest starts for each of them, and that answers
  as mocks/customers.yaml says. To test an API of yours, delete the line with the mock, and put the API's address in the
  place of #MOCK_ADDRESS.

  # What stands here is done before each scenario. @tester is a value in apitest.yaml.
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
    # The reply is {"id": 123, "name": "Sean", ...}, and /name is the way to "Sean" in it: a JSON Pointer.
    And JSON Pointer "/name" is "Sean"
    And JSON Pointer "/age" is an integer "42"
    And JSON Pointer "/cities/0" is "Dublin"
    And JSON Pointer "/password" does not exist
    # Or the whole reply at once: it must be what is in json/response/customer.json.
    And response is equal to that from "customer.json"

  Scenario: A customer is added
    Given HTTP method "POST"
    And URL path "/customers"
    # The body to send is in json/request/new-customer.json; the next step adds a value to it.
    And request "new-customer.json"
    And JSON Pointer "/reference" in request is a random string
    When the URL is invoked
    Then status is "201"
    # What is stored under a name is #name from here on, and #{name} within a text.
    And I store "/id" from response under "id"
    And header "Location" is "/customers/#{id}"
    # What the mock received can be looked at too.
    And the HTTP mock received 1 request
    And its request has JSON Pointer "/name" "Ann"
    And its request has header "X-Tester" "@tester"

  # One test for each row of the table.
  Scenario Outline: There is no customer <number>
    Given URL path "/customers/<number>"
    When the URL is invoked
    Then status is "404"
    And JSON Pointer "/error" starts with "no customer"

    Examples:
      | number |
      | 0      |
      | 999    |
