Feature: Stored values

  Background:
    Given address "$APITEST_ADDRESS"
    And URL path "/sample"
    And format "JSON"
    And I store "text" under "text"
    And I store "7" under "number_text"

  Scenario: keep what the replies hold
    When the URL is invoked
    Then I store "/int" from response under "int"
    And I store "/zero" from response under "zero"
    And I store "/float" from response under "float"
    And I store "/whole" from response under "whole"
    And I store "/true" from response under "true"
    And I store "/false" from response under "false"
    And I store "/null" from response under "null"
    And I store "/list" from response under "list"
    And I store "/numbers" from response under "numbers"
    And I store "/empty_list" from response under "empty_list"
    And I store "/dict" from response under "dict"
    And I store "/empty" from response under "empty"
    And I store "/word" from response under "word"
    And I store "/missing" from response under "missing", default "other"
    And I store "/int" from response under "int_or", default "other"
    And I store "/null" from response under "null_or", default "other"
    And I store "/missing" from response under "from_env", default "$APITEST_TEXT"

  Scenario Outline: <assertion>
    Then variable <assertion>

    Examples: strings
      | assertion                          |
      | "#text" is a string "text"         |
      | "#text" is a string "other"        |
      | "#number_text" is a string "7"     |
      | "text" is a string "text"          |
      | "text" is a string "other"         |
      | "#int" is a string "1"             |
      | "#true" is a string "true"         |
      | "#true" is a string "True"         |
      | "#missing" is a string "other"     |
      | "#from_env" is a string "Sean"     |
      | "#null_or" is a string "other"     |
      | "$APITEST_TEXT" is a string "Sean" |
      | "@sample" is a string "Hello"      |
      | "@seven" is a string "7"           |
      | "@quoted" is a string "a,b"        |
      | "@pair" is a string "a,b"          |
      | "@spaced" is a string "a b"        |
      | "#int" is a string "#int"          |
      | "#list" is a string "#list"        |
      | "#word" is a string "#word"        |
      | "#nothing" is a string "x"         |
      | "$APITEST_MISSING" is a string "x" |
      | "@missing" is a string "x"         |
      | "#" is a string "x"                |
      | "$" is a string "$"                |
      | "@" is a string "@"                |
      | "##text" is a string "text"        |
      | "# text" is a string "text"        |
      | "a#text" is a string "a#text"      |
      | "a@b" is a string "a@b"            |
      | " #text" is a string " #text"      |

    Examples: braces
      | assertion                                                   |
      | "a #{text} b" is a string "a text b"                        |
      | "${APITEST_TEXT}-@{sample}" is a string "Sean-Hello"        |
      | "x${APITEST_TEXT}-@{sample}" is a string "xSean-Hello"      |
      | "x#{int}" is a string "x1"                                  |
      | "x#{float}" is a string "x1.5"                              |
      | "x#{whole}" is a string "x1.0"                              |
      | "x#{true}" is a string "xTrue"                              |
      | "x#{null}" is a string "xNone"                              |
      | "x#{list}" is a string "x['a', 'b', 'c']"                   |
      | "x#{numbers}" is a string "x[1, 2, 3]"                      |
      | "x#{dict}" is a string "x{'a': {'c': None}, 'b': [10, 20]}" |
      | "x#{missing text}" is a string "x#{missing text}"           |
      | "x#{}" is a string "x#{}"                                   |
      | "x#{nothing}" is a string "x"                               |
      | "x${APITEST_MISSING}" is a string "x"                       |
      | "x@{nothing}" is a string "x"                               |
      | "x{text}" is a string "x{text}"                             |
      | "x%{text}" is a string "x%{text}"                           |
      | "#{text}" is a string "text"                                |

    Examples: lists
      | assertion                                             |
      | "#list" is a list "['a', 'b', 'c']"                   |
      | "#list" is a list "["a", "b", "c"]"                   |
      | "#list" is a list "[ 'a','b' , 'c', ]"                |
      | "#list" is a list "('a', 'b', 'c')"                   |
      | "#list" is a list "a,b,c"                             |
      | "#list" is a list "['a', 'b']"                        |
      | "#numbers" is a list "[1, 2, 3]"                      |
      | "#numbers" is a list "[1.0, 2.0, 3.0]"                |
      | "#numbers" is a list "['1', '2', '3']"                |
      | "#numbers" is a list "[True, 2, 3]"                   |
      | "#int" is a list "1"                                  |
      | "#empty_list" is a list "[]"                          |
      | "#dict" is a list "{'b': [10, 20], 'a': {'c': None}}" |
      | "#text" is a list "'text'"                            |
      | "#empty_list" is an empty list                        |
      | "#list" is an empty list                              |
      | "#text" is an empty list                              |
      | "#null" is an empty list                              |
      | "[]" is an empty list                                 |
      | "#nothing" is an empty list                           |
      | "@pair" is a list "['a', 'b']"                        |
      | "@quoted" is a list "['a', 'b']"                      |

    Examples: numbers
      | assertion                          |
      | "#int" is an integer "1"           |
      | "#int" is an integer "2"           |
      | "#int" is an integer "1.0"         |
      | "#int" is an integer "True"        |
      | "#int" is an integer "'1'"         |
      | "#int" is an integer "one"         |
      | "#int" is an integer " 1"          |
      | "#int" is an integer "0x1"         |
      | "#int" is an integer "01"          |
      | "#number_text" is an integer "7"   |
      | "#number_text" is an integer "'7'" |
      | "7" is an integer "7"              |
      | "#float" is an integer "1.5"       |
      | "#whole" is an integer "1"         |
      | "#true" is an integer "1"          |
      | "#null" is an integer "None"       |
      | "#float" is a float "1.5"          |
      | "#float" is a float "15e-1"        |
      | "#float" is a float "1.50001"      |
      | "#int" is a float "1.0"            |
      | "#int" is a float "1"              |
      | "#text" is a float "1.0"           |
      | "#float" is a float "nan"          |

    Examples: booleans
      | assertion               |
      | "#true" is True         |
      | "#false" is True        |
      | "#int" is True          |
      | "#text" is True         |
      | "true" is True          |
      | "True" is True          |
      | "#false" is False       |
      | "#true" is False        |
      | "#zero" is False        |
      | "#null" is False        |
      | "#empty" is False       |
      | "#missing_one" is False |

  Scenario: a path that leads nowhere
    When the URL is invoked
    Then I store "/missing" from response under "x"

  Scenario: a path without a slash
    When the URL is invoked
    Then I store "missing" from response under "x"

  Scenario: a path without a slash and a default
    When the URL is invoked
    Then I store "missing" from response under "x", default "y"

  Scenario: a path below a text and a default
    When the URL is invoked
    Then I store "/int/a" from response under "x", default "y"

  Scenario: a place after the list's end and a default
    When the URL is invoked
    Then I store "/list/9" from response under "x", default "y"
    And variable "#x" is a string "y"

  Scenario: a path from a stored value
    Given I store "/dict/b/1" under "path"
    When the URL is invoked
    Then I store "#path" from response under "ten"
    And variable "#ten" is an integer "20"

  Scenario: a name from a stored value
    Given I store "inner" under "outer"
    And I store "v" under "#outer"
    Then variable "#inner" is a string "v"

  Scenario: stored values keep their kind
    Given I store "#numbers" under "copy"
    And I store "#{int}" under "braces"
    Then variable "#copy" is a list "[1, 2, 3]"
    And variable "#braces" is a string "#{int}"

  Scenario: braces give text
    Given I store "x#{int}" under "braces"
    Then variable "#braces" is a string "x1"
    And variable "#braces" is a string "#{braces}"

  Scenario: a value is not resolved again
    Given I store "a${APITEST_SIGN}b" under "raw"
    Then variable "#raw" is a string "a$xb"

  Scenario: random values
    Given I store a random string under "s"
    And I store a random integer under "n"
    And I store a random float under "f"
    And I store a random date under "d", format "default"
    And HTTP method "POST"
    And URL path "/echo"
    And request is "{}"
    And JSON Pointer "/s" in request is "#s"
    And JSON Pointer "/n" in request is "#n"
    And JSON Pointer "/f" in request is "#f"
    And JSON Pointer "/d" in request is "#d"
    When the URL is invoked
    Then JSON Pointer "/json/n" is any integer
    And JSON Pointer "/json/f" is any float

  Scenario Outline: I sleep for <seconds>
    Then I sleep for "<seconds>"

    Examples:
      | seconds  |
      | 0.001    |
      | 0        |
      | 1e-3     |
      | -1       |
      | soon     |
      | @missing |

  Scenario: a random date in a format that is not there
    Given I store a random date under "d", format "nothing"

  Scenario: Base64
    Given I encode "Ann:secret" using Base64 under "code"
    Then variable "#code" is a string "QW5uOnNlY3JldA=="

  Scenario: a number as a header
    When the URL is invoked
    Then I store "/int" from response under "int"
    Given header "X-Number" "#int"
    And URL path "/echo"
    When the URL is invoked
    Then JSON Pointer "/headers/X-Number" is "1"
