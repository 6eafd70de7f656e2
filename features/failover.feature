Feature: Failover
  Requests keep coming while servers die. What a dead server was handling may be of unknown outcome; nothing else is.

  Background:
    Given the tutorial's mocks
    And a cluster of 3 servers
    And definitions from "deploy.yaml"
    And service file "record/v1/record.star" is deployed
    And request numbers are recorded in the Redis list "bench:ids"
    And HTTP method "POST"
    And URL path "/bench/record"
    And header "Content-Type" "application/json"
    And format "RAW"
    And request is "{"id": {{id}}}"

  Scenario: A server is killed and started again
    When I send 150 requests per second for 8 seconds
    And 1 second in, server 1 is killed
    And 3 seconds in, server 1 is started
    Then no request failed
    And no request was lost
    And no request was doubled
    And at most 50 requests have an unknown outcome
    And the slowest answer took less than 1 second
    And every server answered at least 50 requests
    And all servers are at the same revision within 20 seconds

  Scenario: The last server but one is killed while a new version is deployed
    When I send 100 requests per second for 10 seconds
    And 0.5 seconds in, server 2 is killed
    And 1 second in, server 3 is killed
    And 1.5 seconds in, service file "record/v2/record.star" is deployed
    Then no request failed
    And no request was lost
    And no request was doubled
    And at most 50 requests have an unknown outcome
    When server 2 is started
    And server 3 is started
    Then all servers are at the same revision within 20 seconds
