Feature: Another file begins with nothing

  Scenario: no address
    When the URL is invoked

  Scenario: no stored value
    Then variable "#name" is a string "kept"
