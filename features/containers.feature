@docker
Feature: A whole cluster in containers
  PostgreSQL, Redis, HAProxy and three servers, each in a container of its own: what holds for processes of one machine
  holds for them, too.

  Background:
    Given the tutorial's mocks
    And a cluster of 3 servers with PostgreSQL, Redis and HAProxy in containers
    And definitions from "deploy.yaml"
    And service file "record/v1/record.star" is deployed
    And request numbers are recorded in the Redis list "bench:ids"
    And HTTP method "POST"
    And URL path "/bench/record"
    And header "Content-Type" "application/json"
    And format "RAW"
    And request is "{"id": {{id}}}"

  Scenario: A server is killed and started again while a new version is deployed
    When I send 100 requests per second for 12 seconds
    And 1 second in, server 1 is killed
    And 3 seconds in, service file "record/v2/record.star" is deployed
    And 4 seconds in, server 1 is started
    Then no request failed
    And no request was lost
    And no request was doubled
    And at most 20 requests have an unknown outcome
    And every server answered at least 50 requests
    And all servers are at the same revision within 30 seconds

  Scenario: The servers are restarted, one after the other
    When I send 100 requests per second for 18 seconds
    And 0.5 seconds in, server 1 is restarted
    And 4 seconds in, server 2 is restarted
    And 8 seconds in, server 3 is restarted
    Then every request was answered
    And no request was lost
    And no request was doubled
    And every server answered at least 50 requests
    And all servers are at the same revision within 30 seconds
