Feature: Late

  Scenario: Two faults
    Given address "@shop"
    And format "JSON"
    When the URL is invoked
    Then the order costs "120.00" EUR with 19 percent VAT
    And the oder costs "1" EUR
