Feature: JSON requests

  Scenario: no request yet
    Given JSON Pointer "/a" in request is "b"

  Scenario Outline: <step>
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"
    And format "JSON"
    And I store "/text" under "path"
    And I store "stored" under "value"
    And request is "{"a": {}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0}"
    And <step>
    When the URL is invoked
    Then JSON Pointer "/json" is JSON "<body>"

    Examples: text
      | step                                                  | body                                                                                          |
      | JSON Pointer "/new" in request is "v"                 | {"a": {}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0, "new": "v"}       |
      | JSON Pointer "/t" in request is "v"                   | {"a": {}, "l": ["x", "y"], "t": "v", "n": 1, "z": null, "s/l": 0, "": 0}                      |
      | JSON Pointer "/a/b" in request is "v"                 | {"a": {"b": "v"}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0}           |
      | JSON Pointer "/a/b/c" in request is "v"               | {}                                                                                            |
      | JSON Pointer "/n/a" in request is "v"                 | {}                                                                                            |
      | JSON Pointer "/t/0" in request is "v"                 | {}                                                                                            |
      | JSON Pointer "/z/a" in request is "v"                 | {}                                                                                            |
      | JSON Pointer "/l/0" in request is "v"                 | {"a": {}, "l": ["v", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0}                   |
      | JSON Pointer "/l/-" in request is "v"                 | {"a": {}, "l": ["x", "y", "v"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0}              |
      | JSON Pointer "/l/2" in request is "v"                 | {}                                                                                            |
      | JSON Pointer "/l/-1" in request is "v"                | {}                                                                                            |
      | JSON Pointer "/l/+1" in request is "v"                | {}                                                                                            |
      | JSON Pointer "/l/01" in request is "v"                | {"a": {}, "l": ["x", "v"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0}                   |
      | JSON Pointer "/l/x" in request is "v"                 | {}                                                                                            |
      | JSON Pointer "/s~1l" in request is "v"                | {"a": {}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": "v", "": 0}                 |
      | JSON Pointer "/a/~01" in request is "v"               | {"a": {"~1": "v"}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0}          |
      | JSON Pointer "/~2" in request is "v"                  | {}                                                                                            |
      | JSON Pointer "/~" in request is "v"                   | {}                                                                                            |
      | JSON Pointer "/" in request is "v"                    | {"a": {}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": "v"}                 |
      | JSON Pointer "t" in request is "v"                    | {}                                                                                            |
      | JSON Pointer "#path" in request is "v"                | {"a": {}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0, "text": "v"}      |
      | JSON Pointer "/a/@{sample}" in request is "#{value}!" | {"a": {"Hello": "stored!"}, "l": ["x", "y"], "t": "text", "n": 1, "z": null, "s/l": 0, "": 0} |
      | JSON Pointer "/t" in request is "true"                | {"a": {}, "l": ["x", "y"], "t": "true", "n": 1, "z": null, "s/l": 0, "": 0}                   |
      | JSON Pointer "/t" in request is "7"                   | {"a": {}, "l": ["x", "y"], "t": "7", "n": 1, "z": null, "s/l": 0, "": 0}                      |
      | JSON Pointer "/t" in request is "@seven"              | {"a": {}, "l": ["x", "y"], "t": "7", "n": 1, "z": null, "s/l": 0, "": 0}                      |
      | JSON Pointer "/t" in request is "#nothing"            | {}                                                                                            |

  Scenario Outline: <value> makes <json>
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"
    And format "JSON"
    And request is "{}"
    And JSON Pointer "/v" in request is <value>
    When the URL is invoked
    Then JSON Pointer "/json/v" is JSON "<json>"

    Examples: literals
      | value                                      | json                 |
      | "1" (with literal_eval)                    | 1                    |
      | "-1" (with literal_eval)                   | -1                   |
      | "+1" (with literal_eval)                   | 1                    |
      | "1.50" (with literal_eval)                 | 1.5                  |
      | "1e3" (with literal_eval)                  | 1000.0               |
      | "1_000" (with literal_eval)                | 1000                 |
      | "0x10" (with literal_eval)                 | 16                   |
      | "0o17" (with literal_eval)                 | 15                   |
      | "0b11" (with literal_eval)                 | 3                    |
      | "012" (with literal_eval)                  | 12                   |
      | "True" (with literal_eval)                 | true                 |
      | "False" (with literal_eval)                | false                |
      | "None" (with literal_eval)                 | null                 |
      | "true" (with literal_eval)                 | true                 |
      | "null" (with literal_eval)                 | null                 |
      | "'text'" (with literal_eval)               | "text"               |
      | ""text"" (with literal_eval)               | "text"               |
      | "text" (with literal_eval)                 | "text"               |
      | "[1, 'a', None]" (with literal_eval)       | [1, "a", null]       |
      | "[1, 2,]" (with literal_eval)              | [1, 2]               |
      | "(1, 2)" (with literal_eval)               | [1, 2]               |
      | "1, 2" (with literal_eval)                 | [1, 2]               |
      | "(1)" (with literal_eval)                  | 1                    |
      | "()" (with literal_eval)                   | []                   |
      | "[]" (with literal_eval)                   | []                   |
      | "{}" (with literal_eval)                   | {}                   |
      | "{'a': {'b': [1.0]}}" (with literal_eval)  | {"a": {"b": [1.0]}}  |
      | "{'a': 1, 'a': 2}" (with literal_eval)     | {"a": 2}             |
      | "{1: 2}" (with literal_eval)               | {"1": 2}             |
      | "{True: None}" (with literal_eval)         | {"true": null}       |
      | "{1, 2}" (with literal_eval)               | [1, 2]               |
      | "b'a'" (with literal_eval)                 | "a"                  |
      | "1j" (with literal_eval)                   | 1                    |
      | "'a' 'b'" (with literal_eval)              | "ab"                 |
      | "u'ż'" (with literal_eval)                 | "ż"                  |
      | "'''a'b'''" (with literal_eval)            | "a'b"                |
      | "1 + 1" (with literal_eval)                | 2                    |
      | "-'a'" (with literal_eval)                 | "a"                  |
      | "not True" (with literal_eval)             | false                |
      | "len('a')" (with literal_eval)             | 1                    |
      | " 1" (with literal_eval)                   | 1                    |
      | "1 " (with literal_eval)                   | 1                    |
      | "1 # comment" (with literal_eval)          | 1                    |
      | "[1 2]" (with literal_eval)                | [1, 2]               |
      | "12345678901234567890" (with literal_eval) | 12345678901234567890 |
      | "1e400" (with literal_eval)                | 1                    |

    Examples: integers and floats
      | value                             | json                 |
      | an integer "7"                    | 7                    |
      | an integer "-7"                   | -7                   |
      | an integer "+7"                   | 7                    |
      | an integer " 7 "                  | 7                    |
      | an integer "007"                  | 7                    |
      | an integer "1_000"                | 1000                 |
      | an integer "12345678901234567890" | 12345678901234567890 |
      | an integer "7.0"                  | 7                    |
      | an integer "0x7"                  | 7                    |
      | an integer "seven"                | 7                    |
      | an integer "@seven"               | 7                    |
      | a float "1.5"                     | 1.5                  |
      | a float "1"                       | 1.0                  |
      | a float ".5"                      | 0.5                  |
      | a float "5."                      | 5.0                  |
      | a float "1e3"                     | 1000.0               |
      | a float " 1.5 "                   | 1.5                  |
      | a float "1_0.5"                   | 10.5                 |
      | a float "-0.0"                    | 0.0                  |
      | a float "1,5"                     | 1.5                  |
      | a float "half"                    | 0.5                  |
      | a float "@seven"                  | 7.0                  |

    Examples: lists
      | value             | json             |
      | a list "a,b"      | ["a", "b"]       |
      | a list "a, b ,c " | ["a", "b", "c"]  |
      | a list "1,2"      | ["1", "2"]       |
      | a list ""7","8""  | ["7", "8"]       |
      | a list ""a,b",c"  | ["a,b", "c"]     |
      | a list ""a""b",c" | ["a\"b", "c"]    |
      | a list "a "b",c"  | ["a \"b\"", "c"] |
      | a list "a, "b""   | ["a", "\"b\""]   |
      | a list ""a"b,c"   | ["ab", "c"]      |
      | a list "a,,b"     | ["a", "", "b"]   |
      | a list "a,"       | ["a", ""]        |
      | a list ","        | ["", ""]         |
      | a list "one"      | ["one"]          |
      | a list " "        | [""]             |
      | a list "'a','b'"  | ["'a'", "'b'"]   |
      | a list "[1,2]"    | ["[1", "2]"]     |
      | a list "a;b"      | ["a;b"]          |
      | a list ""a,b"     | ["a,b"]          |
      | a list "@quoted"  | ["a", "b"]       |
      | a list "@pair"    | ["a", "b"]       |

    Examples: one of
      | value          | json  |
      | one of "a"     | "a"   |
      | one of " a "   | "a"   |
      | one of ",a,"   | "a"   |
      | one of ","     | ""    |
      | one of ""a,b"" | "a,b" |
      | one of "7"     | "7"   |

  Scenario Outline: <value> is random
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"
    And format "JSON"
    And request is "{}"
    And JSON Pointer "/v" in request is <value>
    When the URL is invoked
    Then JSON Pointer "/json/v" <assertion>

    Examples:
      | value            | assertion              |
      | a UUID           | isn't empty            |
      | a UUID           | is any integer         |
      | a random string  | is any integer         |
      | a random integer | is any integer         |
      | a random integer | is any float           |
      | a random float   | is any float           |
      | a random float   | is any integer         |
      | one of "a,b,c"   | is one of "a,b,c"      |
      | one of "a,b,c"   | isn't one of "a, b, c" |
      | one of "a, b"    | is one of "a,b"        |

  Scenario: a number that was stored stays one
    Given address "$APITEST_ADDRESS"
    And URL path "/sample"
    And format "JSON"
    And HTTP method "GET"
    When the URL is invoked
    Then I store "/int" from response under "int"
    And I store "/dict" from response under "dict"
    And I store "/whole" from response under "whole"
    Given URL path "/echo"
    And HTTP method "POST"
    And request is "{}"
    And JSON Pointer "/n" in request is "#int"
    And JSON Pointer "/d" in request is "#dict"
    And JSON Pointer "/w" in request is "#whole"
    And JSON Pointer "/s" in request is "x#{int}"
    When the URL is invoked
    Then JSON Pointer "/json" is JSON "{"n": 1, "d": {"a": {"c": null}, "b": [10, 20]}, "w": 1.0, "s": "x1"}"
    And JSON Pointer "/json/w" is any float
    And JSON Pointer "/json/n" is any integer

  Scenario: the root cannot be set
    Given address "$APITEST_ADDRESS"
    And URL path "/sample"
    And format "JSON"
    When the URL is invoked
    Then I store "/empty" from response under "root"
    Given request is "{}"
    And JSON Pointer "#root" in request is "x"

  Scenario: a body that is a list
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And format "JSON"
    And request is "[]"
    And JSON Pointer "/-" in request is "x"
    And JSON Pointer "/-" in request is an integer "1"
    When the URL is invoked
    Then JSON Pointer "/json" is JSON "["x", 1]"

  Scenario: a body that is a number holds nothing
    Given format "JSON"
    And request is "1"
    And JSON Pointer "/a" in request is "x"

  Scenario: escapes in a literal
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"
    And format "JSON"
    And request is "{}"
    And JSON Pointer "/raw" in request is "r'\n'" (with literal_eval)
    And JSON Pointer "/text" in request is "'\x41\u017c\n'" (with literal_eval)
    When the URL is invoked
    Then JSON Pointer "/json" is JSON "{"raw": "\\n", "text": "Aż\n"}"
