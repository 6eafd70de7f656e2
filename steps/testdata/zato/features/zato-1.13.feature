Feature: Zato's own steps

  Scenario: an upload is stored
    Given I store "1" "$APITEST_AUTH" "ann" "secret" under Zato "zato"

  Scenario: an upload
    When I upload a Zato service from "json/request/customer.json" to "#zato"

  Scenario: a service name is stored and nothing else
    Given Zato WebSockets service "my.service"

  Scenario: no socket was opened
    Then WSX client is authenticated

  Scenario: nor closed
    Given I close WSX connection

  Scenario: nor disconnected
    Then WSX client is disconnected
