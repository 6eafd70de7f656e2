Feature: Rolling restart
  Planned work on servers, one after the other, is seen by nobody: every request is answered, and handled once.

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

  Scenario: Each server is stopped and started by hand
    When I send 150 requests per second for 12 seconds
    And 0.5 seconds in, server 1 is restarted
    And 3 seconds in, server 2 is restarted
    And 6 seconds in, server 3 is restarted
    Then every request was answered
    And no request was lost
    And no request was doubled
    And every server answered at least 100 requests
    And all servers are at the same revision within 20 seconds

  Scenario: All are restarted by one command
    When I send 100 requests per second for 6 seconds
    And 0.5 seconds in, all servers are restarted, one after the other
    Then every request was answered
    And no request was lost
    And no request was doubled
    And all servers are at the same revision within 20 seconds
