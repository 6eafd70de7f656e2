Feature: what Zato's own suite adds

  Background:
    Given address "$APITEST_ADDRESS"
    Given format "JSON"

  Scenario: a format string
    Given I store "Sean" under "name"
    Given I store a format string "{name}.py" under "file"
    Given I store a format string "['{name}', '{file}'] {{}}" under "text"
    Then variable "#file" is a string "Sean.py"
    Then variable "#text" is a string "['Sean', 'Sean.py'] {}"

  Scenario: signs mean nothing in a format string
    Given I store a format string "$HOME #{name}" under "plain"
    Then variable "#plain" is a string "$HOME #Sean"

  Scenario: a name that is not stored
    Given I store a format string "{nobody}" under "text"

  Scenario: a single brace
    Given I store a format string "{" under "text"

  Scenario: UTC now
    Given date format "year" "YYYY"
    Given I store UTC now under "now" "year"
    Given I store UTC now under "default" "default"
    Given request is "{}"
    Given JSON Pointer "/year" in request is "#now"
    Given URL path "/echo"
    When the URL is invoked
    Then JSON Pointer "/json/year" is "#now"

  Scenario: UTC now in a format that is not there
    Given I store UTC now under "now" "nobody's"

  Scenario: decoding
    Given I decode "U2Vhbg==" using Base64 under "plain"
    Then variable "#plain" is a string "Sean"
    Then I decode "U2Vhbg==" using Base64 under "again"
    Then variable "#again" is a string "Sean"

  Scenario Outline: JSON in Base64
    Given URL path "/say"
    Given query string "?type=application/json&body={%22a%22:%22<text>%22}"
    When the URL is invoked
    Then JSON Pointer "/a" is base64 JSON which pointer "<path>" has "<value>"

    Examples:
      | text             | path | value |
      | eyJiIjogImMifQ== | /b   | c     |
      | eyJiIjogImMifQ== | /b   | d     |
      | eyJiIjogImMifQ== | /c   | c     |
      | eyJiIjogN30=     | /b   | 7     |
      | bm8ganNvbg==     | /b   | 7     |
      | eyJiIjogImMifQ== |      | c     |

  Scenario: a list that is empty
    Given URL path "/sample"
    Given query string "?"
    When the URL is invoked
    Then JSON Pointer "/list" isn't an empty list
    Then JSON Pointer "/empty_list" isn't an empty list
