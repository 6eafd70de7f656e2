@postgres
Feature: PostgreSQL is away
  The catalog is in PostgreSQL. While that is away, what is deployed serves on, nothing can be changed, and whatever was
  acknowledged is there when it is back.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers with PostgreSQL
    And definitions from "deploy.yaml"
    And service file "record/v1/record.star" is deployed
    And request numbers are recorded in the Redis list "bench:ids"
    And HTTP method "POST"
    And URL path "/bench/record"
    And header "Content-Type" "application/json"
    And format "RAW"
    And request is "{"id": {{id}}}"

  Scenario: It is restarted, and then crashes
    When I send 100 requests per second for 12 seconds
    And 1 second in, PostgreSQL is stopped
    And 2 seconds in, PostgreSQL is started
    And 3 seconds in, PostgreSQL is killed
    And 4 seconds in, PostgreSQL is started
    Then every request was answered
    And no request was lost
    And no request was doubled
    And all servers are at the same revision within 30 seconds

  Scenario: It stands still, and nothing can be deployed
    When I send 100 requests per second for 15 seconds
    And 1 second in, PostgreSQL stands still
    And 2 seconds in, deploying "version/v2/version.star" is tried
    And 7.5 seconds in, PostgreSQL goes on
    Then every request was answered
    And no request was lost
    And it is refused with "what is deployed serves on; try again when the database is back"
    And all servers are at the same revision within 30 seconds
