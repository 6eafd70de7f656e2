Feature: Orders

  Background:
    Given address "@shop"
    And format "JSON"

  @smoke
  Scenario: An order has a price
    Given URL path "/orders/7"
    When the URL is invoked
    Then status is "200"
    And the order costs "119.00" EUR with 19 percent VAT

  @dear
  Scenario Outline: Order <id> is dear
    Given URL path "/orders/<id>"
    When the URL is invoked
    Then the order costs "<price>" EUR with 19 percent VAT

    Examples:
      | id | price  |
      | 7  | 119.00 |
      | 8  | 999.00 |
