Feature: How a line is matched

  Background:
    Given address "$APITEST_ADDRESS"

  Scenario: any case of the fixed words
    Given url PATH "/sample"
    And FORMAT "JSON"
    When The url IS invoked
    Then JSON POINTER "/int" is AN integer "1"
    And STATUS is "200"

  Scenario: two blanks inside
    Given URL path  "/sample"
    When the URL is invoked

  Scenario: two blanks inside the words
    Given URL  path "/sample"

  Scenario: two blanks after the keyword
    Given   URL path "/sample"

  Scenario: blanks at the end do not matter
    Given URL path "/sample"   
    When the URL is invoked   
    Then status is "200"

  Scenario: nothing after the phrase
    When the URL is invoked
    Then status is "200" indeed

  Scenario: nothing before the phrase
    When now the URL is invoked

  Scenario: a Given phrase after Then
    When the URL is invoked
    Then URL path "/sample"

  Scenario: a Then phrase after Given
    Given status is "200"

  Scenario: a Then phrase after When
    When status is "200"

  Scenario: a When phrase after Given
    Given the URL is invoked

  Scenario: a When phrase after Then
    Then the URL is invoked

  Scenario: And takes the kind of the step before
    Given URL path "/sample"
    When the URL is invoked
    And the URL is invoked
    Then status is "200"
    And status is "200"
    But status is "200"

  Scenario: And after Then is no Given
    When the URL is invoked
    Then status is "200"
    And URL path "/sample"

  Scenario: But after Then is no When
    When the URL is invoked
    Then status is "200"
    But the URL is invoked

  Scenario: a star is a Given
    * URL path "/sample"
    * format "JSON"
    When the URL is invoked
    Then status is "200"

  Scenario: a star is no Then
    When the URL is invoked
    * status is "200"

  Scenario: a star is no When
    * the URL is invoked

  Scenario: a star after Then is a Given again
    When the URL is invoked
    Then status is "200"
    * URL path "/sample"
    And format "JSON"
    When the URL is invoked
    Then JSON Pointer "/int" is an integer "1"

  Scenario: a doc string is ignored
    Given URL path "/sample"
      """
      anything
      """
    When the URL is invoked
      """
      anything
      """
    Then status is "200"

  Scenario: a table is ignored
    Given URL path "/sample"
      | a | b |
      | 1 | 2 |
    When the URL is invoked
    Then status is "200"

  Scenario: an unknown phrase
    Given URL path "/sample"
    And I do what nobody knows
    When the URL is invoked
    Then status is "200"

  Scenario: an unknown phrase after a failed one
    When the URL is invoked
    Then status is "201"
    And nobody knows this
    And status is "200"

  Scenario: the first parameter is the shortest
    Given I store "a" under "b" under "c"
    Then variable "#b" under "c" is a string "a"

  Scenario: quotes inside
    Given I store "say "hi" to me" under "greeting"
    Then variable "#greeting" is a string "say "hi" to me"

  Scenario: a quote alone
    Given I store """ under "quote"
    Then variable "#quote" is a string """

  Scenario: blanks in values are kept
    Given I store " a " under "blanks"
    Then variable "#blanks" is a string " a "

  Scenario: blanks are not taken away
    Then variable "#blanks" is a string "a"

  Scenario: a blank alone
    Given I store " " under "blank"
    Then variable "#blank" is a string " "

  Scenario: an empty parameter is no step
    Given I store "" under "nothing"

  Scenario: single quotes are none
    Given I store 'a' under 'b'

  @some-tag @other
  Scenario: tags and comments
    # a comment
    Given URL path "/sample"
    # another
    When the URL is invoked

  Scenario Outline: values of <name> in the text "<value>"
    Given I store "<value>" under "<name>"
    Then variable "#<name>" is a string "<value>"

    Examples: some
      | name  | value  |
      | one   | 1      |
      | two   | a b    |
      | three | a \| b |

    Examples: more
      | value  | name |
      | x      | four |
      | <name> | five |

  Scenario: a name in angle brackets that is no column
    Given I store "<x>" under "angle"
    Then variable "#angle" is a string "<x>"

  Scenario: names are free text
    Given I store "v" under "a name, with: everything!"
    Then variable "#a name, with: everything!" is a string "v"
