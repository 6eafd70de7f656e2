Feature: Load of every shape
  A load need not be steady. Whatever its shape, each request is executed once.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers
    And definitions from "deploy.yaml"
    And service file "record/v1/record.star" is deployed
    And request numbers are recorded in the Redis list "bench:ids"
    And HTTP method "POST"
    And URL path "/bench/record"
    And header "Content-Type" "application/json"
    And format "RAW"
    And request is "{"id": {{id}}}"

  Scenario Outline: <shape>
    When <load>
    Then every request was answered
    And no request was lost
    And no request was doubled
    And the load keeps to "error_rate == 0"

    Examples:
      | shape         | load                                                                               |
      | A ramp        | I send 20 to 200 requests per second over 1 second                                 |
      | Steps         | I send 50 to 150 requests per second in 3 steps over 1 second                      |
      | A peak        | I send 50 requests per second for 1 second, with a peak of 400 for 0.2 seconds     |
      | A swing       | I send 100 requests per second for 1 second, 50 more and less each 0.5 seconds     |
      | A closed loop | 5 users send requests for 1 second                                                 |

  Scenario: A profile, while a new version is deployed
    When I send the load of "load/morning.yaml"
    And 1 second in, service file "record/v2/record.star" is deployed
    Then every request was answered
    And no request was lost
    And the load keeps to "failed of again == 0"
    And the load keeps to "error_rate in rush == 0"

  Scenario: What happens once the load has come to something
    When I send 20 to 200 requests per second over 4 seconds
    And once "rate > 50", server 2 is killed
    Then no request was lost
    And no request was doubled
    And the load keeps to "error_rate < 50%"
