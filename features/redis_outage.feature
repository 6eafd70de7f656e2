@redis
Feature: Redis is away
  Services that use Redis get a clear error in time; all others, and hot deploys, go on.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers with Redis
    And definitions from "deploy.yaml"
    And service file "record/v1/record.star" is deployed
    And service file "version/v1/version.star" is deployed

  Scenario: Services that do not use it answer, and versions are deployed
    Given URL path "/demo/version"
    And format "JSON"
    When I send 100 requests per second for 10 seconds
    And 1 second in, Redis is killed
    And 2 seconds in, service file "version/v2/version.star" is deployed
    And 5 seconds in, Redis is started
    Then every request was answered
    And the slowest answer took less than 5 seconds
    And within 20 seconds, on every server, JSON Pointer "/version" is an integer "2"

  Scenario: Services that use it are told so, and work again once it is back
    Given request numbers are recorded in the Redis list "bench:ids"
    And HTTP method "POST"
    And URL path "/bench/record"
    And header "Content-Type" "application/json"
    And format "RAW"
    And request is "{"id": {{id}}}"
    When I send 150 requests per second for 8 seconds
    And 2 seconds in, Redis is stopped
    And 4 seconds in, Redis is started
    Then at least 300 requests were answered
    And no request was doubled
    And the slowest answer took less than 10 seconds
