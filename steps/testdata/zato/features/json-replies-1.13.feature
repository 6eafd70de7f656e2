Feature: JSON replies

  Scenario: the reply
    Given address "$APITEST_ADDRESS"
    And URL path "/sample"
    And format "JSON"
    When the URL is invoked
    Then I store "/int" from response under "int"
    And I store "/float" from response under "float"
    And I store "/list" from response under "list"
    And I store "/true" from response under "true"
    And I store "/null" from response under "null"
    And I store "/empty" from response under "root"
    And I store "/dict" from response under "dict"

  Scenario Outline: path <assertion>
    Then path <assertion>

    Examples: is
      | assertion                  |
      | "/text" is "Sean O'Brien"  |
      | "/text" is "sean o'brien"  |
      | "/text" is "Sean"          |
      | "/int" is "1"              |
      | "/digit" is "1"            |
      | "/digit" is "#int"         |
      | "/int" is "#int"           |
      | "/whole" is "#int"         |
      | "/true" is "#int"          |
      | "/float" is "#float"       |
      | "/list" is "#list"         |
      | "/dict" is "#dict"         |
      | "/true" is "#true"         |
      | "/int" is "#true"          |
      | "/null" is "#null"         |
      | "/true" is "true"          |
      | "/yes" is "true"           |
      | "/null" is "null"          |
      | "/blank" is " "            |
      | "/unicode" is "Zażółć"     |
      | "/quoted" is "say "hi""    |
      | "/word" is "@missing"      |
      | "/missing" is "x"          |
      | "/a~1b" is "slash"         |
      | "/m~0n" is "tilde"         |
      | "/m~n" is "tilde"          |
      | "/a~2b" is "slash"         |
      | "/" is "no name"           |
      | "/0" is "zero"             |
      | "text" is "Sean O'Brien"   |
      | "/text/" is "Sean O'Brien" |
      | "/list/0" is "a"           |
      | "/list/2" is "c"           |
      | "/list/3" is "c"           |
      | "/list/-1" is "c"          |
      | "/list/-" is "c"           |
      | "/list/01" is "b"          |
      | "/list/+1" is "b"          |
      | "/list/1.0" is "b"         |
      | "/list/a" is "a"           |
      | "/list/ 1" is "b"          |
      | "/word/0" is "a"           |
      | "/word/9" is "a"           |
      | "/int/0" is "1"            |
      | "/null/a" is "1"           |
      | "/dict/a/c/d" is "1"       |
      | "/TEXT" is "Sean O'Brien"  |

    Examples: literal_eval
      | assertion                                                          |
      | "/int" is "1" (with literal_eval)                                  |
      | "/int" is "2" (with literal_eval)                                  |
      | "/int" is "1.0" (with literal_eval)                                |
      | "/int" is "True" (with literal_eval)                               |
      | "/int" is "'1'" (with literal_eval)                                |
      | "/digit" is "1" (with literal_eval)                                |
      | "/digit" is "'1'" (with literal_eval)                              |
      | "/float" is "1.5" (with literal_eval)                              |
      | "/big" is "12345678901234567890" (with literal_eval)               |
      | "/big" is "12345678901234567891" (with literal_eval)               |
      | "/big" is "1.2345678901234567e19" (with literal_eval)              |
      | "/exponent" is "1000" (with literal_eval)                          |
      | "/true" is "True" (with literal_eval)                              |
      | "/false" is "0" (with literal_eval)                                |
      | "/null" is "None" (with literal_eval)                              |
      | "/null" is "False" (with literal_eval)                             |
      | "/list" is "['a', 'b', 'c']" (with literal_eval)                   |
      | "/list" is "('a', 'b', 'c')" (with literal_eval)                   |
      | "/numbers" is "[1, 2.0, 3]" (with literal_eval)                    |
      | "/numbers" is "[True, 2, 3]" (with literal_eval)                   |
      | "/dict" is "{'b': [10, 20], 'a': {'c': None}}" (with literal_eval) |
      | "/dict" is "{'b': [10, 20]}" (with literal_eval)                   |
      | "/empty_list" is "[]" (with literal_eval)                          |
      | "/empty_list" is "()" (with literal_eval)                          |
      | "/empty_dict" is "{}" (with literal_eval)                          |
      | "/empty" is "''" (with literal_eval)                               |
      | "/word" is "abc" (with literal_eval)                               |
      | "/word" is "b'abc'" (with literal_eval)                            |
      | "/missing" is "1" (with literal_eval)                              |

    Examples: is JSON
      | assertion                                             |
      | "/dict" is JSON "{"b": [10, 20], "a": {"c": null}}"   |
      | "/dict" is JSON "{"b": [10, 20.0], "a": {"c": null}}" |
      | "/dict" is JSON "{"b": [20, 10], "a": {"c": null}}"   |
      | "/dict" is JSON "{"b": [10, 20]}"                     |
      | "/int" is JSON "1"                                    |
      | "/int" is JSON "1.0"                                  |
      | "/int" is JSON "true"                                 |
      | "/int" is JSON ""1""                                  |
      | "/true" is JSON "true"                                |
      | "/true" is JSON "1"                                   |
      | "/false" is JSON "0"                                  |
      | "/null" is JSON "null"                                |
      | "/null" is JSON "false"                               |
      | "/empty" is JSON """"                                 |
      | "/list" is JSON "["a","b","c"]"                       |
      | "/list" is JSON "["a","c","b"]"                       |
      | "/word" is JSON "abc"                                 |
      | "/word" is JSON ""abc""                               |
      | "/unicode" is JSON ""Za\u017c\u00f3\u0142\u0107""     |
      | "/word" is JSON "#dict"                               |
      | "/missing" is JSON "1"                                |
      | "/dict" is JSON equal to that from "dict.json"        |
      | "/list" is JSON equal to that from "dict.json"        |
      | "/dict" is JSON equal to that from "missing.json"     |
      | "/dict" is JSON equal to that from "broken.json"      |

    Examples: integers
      | assertion                                   |
      | "/int" is an integer "1"                    |
      | "/int" is an integer "2"                    |
      | "/int" is an integer " 1 "                  |
      | "/int" is an integer "+1"                   |
      | "/int" is an integer "01"                   |
      | "/int" is an integer "1.0"                  |
      | "/int" is an integer "one"                  |
      | "/negative" is an integer "-7"              |
      | "/big" is an integer "12345678901234567890" |
      | "/big" is an integer "12345678901234567891" |
      | "/whole" is an integer "1"                  |
      | "/float" is an integer "1"                  |
      | "/exponent" is an integer "1000"            |
      | "/exponent" is an integer "1_000"           |
      | "/true" is an integer "1"                   |
      | "/false" is an integer "0"                  |
      | "/null" is an integer "0"                   |
      | "/digit" is an integer "1"                  |
      | "/int" is an integer "#int"                 |
      | "/int" is an integer "#float"               |
      | "/true" is an integer "#true"               |
      | "/missing" is an integer "1"                |
      | "/int" is any integer                       |
      | "/big" is any integer                       |
      | "/true" is any integer                      |
      | "/whole" is any integer                     |
      | "/float" is any integer                     |
      | "/digit" is any integer                     |
      | "/null" is any integer                      |
      | "/missing" is any integer                   |

    Examples: floats
      | assertion                      |
      | "/float" is a float "1.5"      |
      | "/float" is a float "1.50"     |
      | "/float" is a float "15e-1"    |
      | "/float" is a float "1.6"      |
      | "/int" is a float "1.0"        |
      | "/int" is a float "1"          |
      | "/whole" is a float "1"        |
      | "/true" is a float "1"         |
      | "/float_text" is a float "1.5" |
      | "/float" is a float "half"     |
      | "/float" is a float "nan"      |
      | "/float" is a float "inf"      |
      | "/float" is a float "#float"   |
      | "/missing" is a float "1"      |
      | "/float" is any float          |
      | "/whole" is any float          |
      | "/exponent" is any float       |
      | "/int" is any float            |
      | "/big" is any float            |
      | "/float_text" is any float     |
      | "/missing" is any float        |
      | "/true" is any bool            |
      | "/false" is any bool           |
      | "/int" is any bool             |
      | "/yes" is any bool             |
      | "/null" is any bool            |
      | "/missing" is any bool         |

    Examples: lists
      | assertion                          |
      | "/list" is a list "a,b,c"          |
      | "/list" is a list "a, b, c"        |
      | "/list" is a list ""a","b","c""    |
      | "/list" is a list "a,b"            |
      | "/list" is a list "c,b,a"          |
      | "/numbers" is a list "1,2,3"       |
      | "/comma" is a list "a,b"           |
      | "/empty_list" is a list " "        |
      | "/list" is a list "#list"          |
      | "/missing" is a list "a"           |
      | "/empty_list" is an empty list     |
      | "/list" is an empty list           |
      | "/empty" is an empty list          |
      | "/empty_dict" is an empty list     |
      | "/missing" is an empty list        |
      | "/empty_dict" is an empty dict     |
      | "/dict" is an empty dict           |
      | "/empty_list" is an empty dict     |
      | "/null" is an empty dict           |
      | "/missing" is an empty dict        |
      | "/list" is not an empty list       |
      | "/empty_list" is not an empty list |
      | "/text" is not an empty list       |
      | "/dict" is not an empty list       |
      | "/null" is not an empty list       |
      | "/missing" is not an empty list    |

    Examples: empty
      | assertion                  |
      | "/empty" is empty          |
      | "/blank" is empty          |
      | "/text" is empty           |
      | "/null" is empty           |
      | "/empty_list" is empty     |
      | "/zero" is empty           |
      | "/false" is empty          |
      | "/missing" is empty        |
      | "/text" is not empty       |
      | "/empty" is not empty      |
      | "/null" is not empty       |
      | "/empty_list" is not empty |
      | "/missing" is not empty    |
      | "/dict/x" is not empty     |
      | "/list/9" is not empty     |
      | "/int/a" is not empty      |
      | "x" is not empty           |

    Examples: one of
      | assertion                       |
      | "/word" is one of "abc,def"     |
      | "/word" is one of "def, abc "   |
      | "/word" is one of "def,ab"      |
      | "/word" is one of "ABC"         |
      | "/int" is one of "1,2"          |
      | "/digit" is one of "1,2"        |
      | "/true" is one of "true,True"   |
      | "/null" is one of "null,None"   |
      | "/empty" is one of "a,,b"       |
      | "/empty" is one of "a,b"        |
      | "/comma" is one of ""a,b",c"    |
      | "/comma" is one of "a,b"        |
      | "/list" is one of "a,b,c"       |
      | "/word" is one of "#list"       |
      | "/missing" is one of "a"        |
      | "/word" is not one of "def"     |
      | "/word" is not one of "abc,def" |
      | "/int" is not one of "1,2"      |
      | "/list" is not one of "a,b"     |
      | "/missing" is not one of "a"    |
      | "/word" is not a string "def"   |
      | "/word" is not a string "abc"   |
      | "/int" is not a string "1"      |
      | "/int" is not a string "#int"   |
      | "/whole" is not a string "#int" |
      | "/digit" is not a string "1"    |
      | "/null" is not a string "null"  |
      | "/missing" is not a string "x"  |

    Examples: Crockford
      | assertion                                          |
      | "/code" is a BASE32 Crockford, checksum "false"    |
      | "/checked" is a BASE32 Crockford, checksum "true"  |
      | "/checked" is a BASE32 Crockford, checksum "TRUE"  |
      | "/checked" is a BASE32 Crockford, checksum "no"    |
      | "/dashed" is a BASE32 Crockford, checksum "true"   |
      | "/lower" is a BASE32 Crockford, checksum "true"    |
      | "/wrong" is a BASE32 Crockford, checksum "true"    |
      | "/wrong" is a BASE32 Crockford, checksum "false"   |
      | "/code" is a BASE32 Crockford, checksum "true"     |
      | "/foreign" is a BASE32 Crockford, checksum "false" |
      | "/marked" is a BASE32 Crockford, checksum "false"  |
      | "/marked" is a BASE32 Crockford, checksum "true"   |
      | "/empty" is a BASE32 Crockford, checksum "false"   |
      | "/int" is a BASE32 Crockford, checksum "false"     |
      | "/text" is a BASE32 Crockford, checksum "false"    |
      | "/digit" is a BASE32 Crockford, checksum "true"    |
      | "/missing" is a BASE32 Crockford, checksum "true"  |

    Examples: True, False and null
      | assertion           |
      | "/true" is True     |
      | "/int" is True      |
      | "/whole" is True    |
      | "/false" is True    |
      | "/yes" is True      |
      | "/numbers" is True  |
      | "/missing" is True  |
      | "/false" is False   |
      | "/zero" is False    |
      | "/true" is False    |
      | "/null" is False    |
      | "/empty" is False   |
      | "/missing" is False |
      | "/null" is null     |
      | "/dict/a/c" is null |
      | "/false" is null    |
      | "/empty" is null    |
      | "/zero" is null     |
      | "/missing" is null  |

    Examples: starts and ends
      | assertion                              |
      | "/text" starts with "Sean"             |
      | "/text" starts with "sean"             |
      | "/text" starts with "O'Brien"          |
      | "/digit" starts with "1"               |
      | "/int" starts with "1"                 |
      | "/list" starts with "a"                |
      | "/null" starts with "a"                |
      | "/missing" starts with "a"             |
      | "/text" starts with "#int"             |
      | "/text" starts with any of "Ann,Sean"  |
      | "/text" starts with any of "Ann, Sean" |
      | "/text" starts with any of "Ann,Bob"   |
      | "/text" starts with any of "Ann,,Bob"  |
      | "/int" starts with any of "1,2"        |
      | "/missing" starts with any of "a"      |
      | "/text" ends with "Brien"              |
      | "/text" ends with "brien"              |
      | "/text" ends with "Sean"               |
      | "/int" ends with "1"                   |
      | "/missing" ends with "a"               |

    Examples: contains
      | assertion                                    |
      | "/list" contains ""a""                       |
      | "/list" contains ""z""                       |
      | "/list" contains "a"                         |
      | "/numbers" contains "1"                      |
      | "/numbers" contains "1.0"                    |
      | "/numbers" contains "true"                   |
      | "/numbers" contains ""1""                    |
      | "/mixed" contains "null"                     |
      | "/mixed" contains "false"                    |
      | "/mixed" contains "0"                        |
      | "/mixed" contains "{"n": 2}"                 |
      | "/mixed" contains "[5]"                      |
      | "/mixed" contains "5"                        |
      | "/nested" contains "[3]"                     |
      | "/nested" contains "3"                       |
      | "/objects" contains "{"m": "x", "n": 2}"     |
      | "/objects" contains "{"n": 2}"               |
      | "/dict" contains ""a""                       |
      | "/dict" contains ""c""                       |
      | "/dict" contains "{"c": null}"               |
      | "/word" contains ""b""                       |
      | "/word" contains ""bc""                      |
      | "/empty" contains """"                       |
      | "/empty_list" contains "1"                   |
      | "/empty_dict" contains "1"                   |
      | "/int" contains "1"                          |
      | "/null" contains "null"                      |
      | "/missing" contains "1"                      |
      | "/list" contains data from "letter.json"     |
      | "/numbers" contains data from "letter.json"  |
      | "/objects" contains data from "element.json" |
      | "/mixed" contains data from "element.json"   |
      | "/list" contains data from "missing.json"    |
      | "/list" contains data from "broken.json"     |

    Examples: the whole reply
      | assertion                |
      | "#root" is not empty     |
      | "#root" is an empty dict |

  Scenario Outline: <assertion>, of <body>
    Given address "$APITEST_ADDRESS"
    And URL path "/say"
    And query string "?body=<body>"
    And format "JSON"
    When the URL is invoked
    Then <assertion>

    Examples:
      | body                         | assertion                                       |
      | {"a":{"c":null},"b":[10,20]} | response is equal to that from "dict.json"      |
      | {"a":{"c":null},"b":[10]}    | response is equal to that from "dict.json"      |
      | {"a":1}                      | response is equal to that from "missing.json"   |
      | {"a":1}                      | response is equal to that from "broken.json"    |
      | {"a":1}                      | JSON response is equal to "{"a": 1}"            |
      | {"a":1}                      | JSON response is equal to "{"a": 1.0}"          |
      | {"a":1}                      | JSON response is equal to "{"a": true}"         |
      | {"a":1}                      | JSON response is equal to "{"a": "1"}"          |
      | {"a":1}                      | JSON response is equal to "{"a": 1, "b": null}" |
      | {"a":1,"b":2}                | JSON response is equal to "{"b": 2, "a": 1}"    |
      | [1,2]                        | JSON response is equal to "[2, 1]"              |
      | null                         | JSON response is equal to "null"                |
      | "x"                          | JSON response is equal to ""x""                 |
      | "x"                          | JSON response is equal to "x"                   |
      | {"a":1}                      | JSON response is equal to "$APITEST_JSON"       |
      | {"a":1}                      | JSON response is equal to "#nothing"            |
      | {"a":1}                      | response is equal to "{"a": 1}"                 |
      | {"a":1}                      | response is equal to "{"a": 2}"                 |
      | {"a":1}                      | response is equal to "{"a": 1"                  |
      | "x"                          | response is equal to "x"                        |
      | "x"                          | response is equal to "y"                        |
      | "x"                          | response is equal to ""x""                      |
