Feature: Headers and status of a reply

  Background:
    Given address "$APITEST_ADDRESS"
    And URL path "/sample"

  Scenario Outline: <assertion>
    When the URL is invoked
    Then <assertion>

    Examples: status
      | assertion          |
      | status is "200"    |
      | status is "201"    |
      | status is " 200 "  |
      | status is "2_00"   |
      | status is "+200"   |
      | status is "0200"   |
      | status is "200.0"  |
      | status is "OK"     |
      | status is "@seven" |

    Examples: is
      | assertion                                   |
      | header "X-Text" is "Hello World"            |
      | header "x-text" is "Hello World"            |
      | header "X-Text" is "hello world"            |
      | header "X-Text" is "Hello World "           |
      | header "X-Many" is "one, two"               |
      | header "X-Many" is "one"                    |
      | header "Content-Type" is "application/json" |
      | header "X-Missing" is "x"                   |
      | header "Server" is "sample/1"               |

    Examples: is not
      | assertion                           |
      | header "X-Text" isn't "Hello"       |
      | header "X-Text" isn't "Hello World" |
      | header "X-Missing" isn't "x"        |

    Examples: contains
      | assertion                               |
      | header "X-Text" contains "lo Wo"        |
      | header "X-Text" contains "LO WO"        |
      | header "X-Empty" contains "a"           |
      | header "X-Missing" contains "x"         |
      | header "X-Text" doesn't contain "x"     |
      | header "X-Text" doesn't contain "World" |
      | header "X-Text" doesn't contain "world" |
      | header "X-Missing" doesn't contain "x"  |

    Examples: exists
      | assertion                        |
      | header "X-Text" exists           |
      | header "X-TEXT" exists           |
      | header "X-Empty" exists          |
      | header "X-Missing" exists        |
      | header "X-Text" doesn't exist    |
      | header "X-Empty" doesn't exist   |
      | header "X-Missing" doesn't exist |

    Examples: empty
      | assertion                      |
      | header "X-Empty" is empty      |
      | header "X-Text" is empty       |
      | header "X-Missing" is empty    |
      | header "X-Text" isn't empty    |
      | header "X-Empty" isn't empty   |
      | header "X-Missing" isn't empty |
      | header "X-Empty" isn't "x"     |

    Examples: starts and ends
      | assertion                                  |
      | header "X-Text" starts with "Hello"        |
      | header "X-Text" starts with "hello"        |
      | header "X-Text" starts with "World"        |
      | header "X-Missing" starts with "x"         |
      | header "X-Text" doesn't start with "World" |
      | header "X-Text" doesn't start with "Hello" |
      | header "X-Missing" doesn't start with "x"  |
      | header "X-Text" ends with "World"          |
      | header "X-Text" ends with "Hello"          |
      | header "X-Missing" ends with "x"           |
      | header "X-Text" doesn't end with "Hello"   |
      | header "X-Text" doesn't end with "World"   |
      | header "X-Missing" doesn't end with "x"    |

    Examples: values
      | assertion                                     |
      | header "X-Text" is "@sample"                  |
      | header "X-Text" is "@{sample} World"          |
      | header "X-Text" contains "o ${APITEST_WORLD}" |
      | header "X-Text" starts with "@sample"         |
      | header "X-Text" is "#missing"                 |
      | header "X-Text" is "$APITEST_MISSING"         |

  Scenario: a stored status
    Given I store "200" under "status"
    When the URL is invoked
    Then status is "#status"

  Scenario: nothing was invoked
    Then context is cleaned up

  Scenario Outline: before any invocation: <assertion>
    Then <assertion>

    Examples:
      | assertion                     |
      | status is "200"               |
      | header "X-Text" exists        |
      | header "X-Text" doesn't exist |
      | JSON Pointer "/a" is "b"      |

  Scenario: other statuses
    Given URL path "/say"
    And query string "?status=503&body=x"
    When the URL is invoked
    Then status is "503"
    And header "Content-Type" isn't "application/json"
