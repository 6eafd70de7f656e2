Feature: Statistics
  What every service, channel and server did in the last minute, hour, day, week, month or year, over all servers of the
  cluster; and single requests: slow ones by their CID, and samples without secrets.

  Background:
    Given a cluster of 2 servers
    And service file "statistics/demo.star" is deployed
    And definitions from "statistics/demo.yaml"

  Scenario: Requests of all servers are counted together
    Given URL path "/slow"
    And HTTP method "GET"
    When the URL is invoked on server 1
    And the URL is invoked on server 2
    Then the last minute has 2 requests of service "demo.slow"
    And the last hour has 2 requests of channel "Slow"
    And the last day has 1 request of server "server1"
    And service "demo.slow" is the slowest of the last month

  Scenario: Failures are counted, and the most used service is known
    Given URL path "/pay"
    And HTTP method "POST"
    And format "JSON"
    And request is "{"amount": 1, "pin": "8642"}"
    When the URL is invoked
    And the URL is invoked
    And the URL is invoked
    Given request is "{"amount": 1000, "pin": "8642"}"
    When the URL is invoked
    Then status is "400"
    And the last hour has 4 requests of service "demo.pay"
    And the last hour has 1 failed request of service "demo.pay"
    And service "demo.pay" is the most used of the last year

  Scenario: A slow request is found by its CID
    Given requests of service "demo.slow" that take 1 ms or longer are kept
    And URL path "/slow"
    And HTTP method "GET"
    When the URL is invoked
    Then the last request is among the slow requests of service "demo.slow"

  Scenario: Samples show what was asked and answered, and no secret
    Given one of 1 request of service "demo.pay" is kept
    And URL path "/pay"
    And HTTP method "POST"
    And format "JSON"
    And request is "{"amount": 7, "pin": "8642"}"
    When the URL is invoked
    Then what was kept of service "demo.pay" is 1 request
    And what was kept of service "demo.pay" contains ""amount":7"
    And what was kept of service "demo.pay" contains "R-1"
    And what was kept of service "demo.pay" does not contain "8642"
    And what was kept of service "demo.pay" does not contain "key-of-the-bank"

  Scenario: A killed server's statistics are not lost
    Given URL path "/once"
    And HTTP method "GET"
    When the URL is invoked on server 2
    Then the last hour has 1 request of service "demo.once"
    When server 2 is killed
    And server 2 is started
    Then the last hour has 1 request of service "demo.once"
    When the URL is invoked on server 2
    Then the last hour has 2 requests of channel "Once"
