Feature: XML and SOAP

  Scenario: the reply
    Given address "$APITEST_ADDRESS"
    And URL path "/xml"
    And format "XML"
    And namespace prefix "o" of "urn:orders"
    And namespace prefix "extra" of "urn:extra"
    And I store "urn:orders" under "orders"
    And namespace prefix "stored" of "#orders"
    When the URL is invoked
    Then status is "200"

  Scenario Outline: XPath <assertion>
    Then XPath <assertion>

    Examples: is
      | assertion                                 |
      | "//o:id" is "1"                           |
      | "//o:id" is "2"                           |
      | "/o:order/o:id" is "1"                    |
      | "o:id" is "1"                             |
      | "./o:id" is "1"                           |
      | "//stored:id" is "1"                      |
      | "//x:note" is "1"                         |
      | "//id" is "1"                             |
      | "//*[local-name()='id']" is "1"           |
      | "//o:line" is "a"                         |
      | "//o:line[1]" is "a"                      |
      | "//o:line[last()]" is "b"                 |
      | "//o:line[.='b']" is "b"                  |
      | "(//o:line)[2]" is "b"                    |
      | "//o:name" is "Sean"                      |
      | "//o:name" is "sean"                      |
      | "//o:name[@extra:kind='short']" is "Sean" |
      | "//o:name[@extra:kind='long']" is "Sean"  |
      | "//o:spaced" is " 7 "                     |
      | "//o:spaced" is "7"                       |
      | "//o:mixed" is "before"                   |
      | "//o:mixed" is "beforeboldafter"          |
      | "//o:mixed/o:b" is "bold"                 |
      | "//o:holder" is "in"                      |
      | "//o:holder/*" is "in"                    |
      | "//o:cdata" is "a<b"                      |
      | "//o:unicode" is "Zażółć"                 |
      | "//o:blank" is " "                        |
      | "//plain" is "p"                          |
      | "//o:name" is "$APITEST_TEXT"             |
      | "//o:name" is "#nothing"                  |
      | "//o:missing" is "x"                      |
      | "/o:order" is "1"                         |
      | "//o:*[2]" is "Sean"                      |
      | "//o:id[" is "1"                          |
      | "//nobody:id" is "1"                      |

    Examples: numbers
      | assertion                      |
      | "//o:id" is an integer "1"     |
      | "//o:id" is an integer "01"    |
      | "//o:id" is an integer "2"     |
      | "//o:id" is an integer "1.0"   |
      | "//o:spaced" is an integer "7" |
      | "//o:price" is an integer "1"  |
      | "//o:name" is an integer "1"   |
      | "//x:note" is an integer "0"   |
      | "//o:price" is a float "1.5"   |
      | "//o:price" is a float "1.6"   |
      | "//o:id" is a float "1.0"      |
      | "//o:spaced" is a float "7"    |
      | "//o:name" is a float "1"      |
      | "//o:missing" is a float "1"   |

    Examples: empty
      | assertion                  |
      | "//extra:note" is empty    |
      | "//o:full" is empty        |
      | "//o:blank" is empty       |
      | "//o:id" is empty          |
      | "//o:holder" is empty      |
      | "//o:missing" is empty     |
      | "//o:id" isn't empty       |
      | "//extra:note" isn't empty |
      | "//o:full" isn't empty     |
      | "//o:blank" isn't empty    |
      | "//o:missing" isn't empty  |
      | "//o:line" isn't empty     |

    Examples: one of
      | assertion                      |
      | "//o:type" is one of "A,B"     |
      | "//o:type" is one of "A, B"    |
      | "//o:type" is one of "A,C"     |
      | "//o:type" is one of "b"       |
      | "//o:full" is one of "a,,b"    |
      | "//o:missing" is one of "a"    |
      | "//o:type" isn't one of "A,C"  |
      | "//o:type" isn't one of "A,B"  |
      | "//o:missing" isn't one of "a" |
      | "//o:line" isn't one of "a"    |

    Examples: no elements
      | assertion                         |
      | "//o:name/@extra:kind" is "short" |
      | "//o:id/text()" is "1"            |
      | "count(//o:line)" is "2"          |
      | "string(//o:id)" is "1"           |
      | "true()" is "True"                |

  Scenario: values from the reply
    Then I store "//plain" from response under "plain"
    And variable "#plain" is a string "p"

  Scenario: one that is not there
    Then I store "//missing" from response under "missing"

  Scenario: one that is not there, with a default
    Then I store "//missing" from response under "missing", default "none"
    And variable "#missing" is a string "none"

  Scenario: several give a list
    Then I store "//*[local-name()='line']" from response under "lines"
    And variable "#lines" is a list "['a', 'b']"

  Scenario: only their own text
    Then I store "//*[local-name()='mixed']" from response under "mixed"
    And variable "#mixed" is a string "before"

  Scenario: with a prefix
    Then I store "//o:id" from response under "id"

  Scenario: a whole comparison
    Then response is equal to "<a/>"

  Scenario: a whole comparison with a file
    Then response is equal to that from "a.xml"

  Scenario Outline: <step>
    Given URL path "/back"
    And HTTP method "POST"
    And header "Content-Type" "text/xml"
    And request "order.xml"
    And <step>
    When the URL is invoked
    Then XPath "<path>" is "<text>"
    And XPath "//o:line[2]" is "b"

    Examples:
      | step                                                                                       | path         | text                |
      | XPath "//o:id" in request is "2"                                                           | //o:id       | 2                   |
      | XPath "//o:id" in request is "a < b & c"                                                   | //o:id       | a < b & c           |
      | XPath "//o:id" in request is "Łódź"                                                        | //o:id       | Łódź                |
      | XPath "//o:id" in request is "$APITEST_TEXT"                                               | //o:id       | Sean                |
      | XPath "//o:id" in request is "#nothing"                                                    | //o:id       | 1                   |
      | XPath "//extra:note" in request is "n"                                                     | //extra:note | n                   |
      | XPath "//o:line" in request is "n"                                                         | //o:line[1]  | n                   |
      | XPath "//o:line[1]" in request is "n"                                                      | //o:line[1]  | n                   |
      | XPath "//o:missing" in request is "n"                                                      | //o:id       | 1                   |
      | XPath "//o:id[" in request is "n"                                                          | //o:id       | 1                   |
      | XPath "//o:id" in request is one of " x ,,"                                                | //o:id       | x                   |
      | XPath "//o:id" in request is a random date between "2020-03-04" and "2020-03-05" "default" | //o:id       | 2020-03-04T00:00:00 |
      | XPath "//o:id" in request is a random date between "2020-03-04" and "2020-03-04" "default" | //o:id       | 1                   |
      | XPath "//o:id" in request is now "nothing"                                                 | //o:id       | 1                   |
      | SOAP action "urn:do"                                                                       | //o:id       | 1                   |

  Scenario Outline: <step> is random
    Given URL path "/back"
    And request "order.xml"
    And <step>
    When the URL is invoked
    Then XPath "//o:id" <assertion>

    Examples:
      | step                                                                     | assertion         |
      | XPath "//o:id" in request is a random string                             | isn't empty       |
      | XPath "//o:id" in request is a random string                             | is an integer "1" |
      | XPath "//o:id" in request is a random integer                            | isn't empty       |
      | XPath "//o:id" in request is a random float                              | is an integer "1" |
      | XPath "//o:id" in request is a random date "default"                     | isn't empty       |
      | XPath "//o:id" in request is now "default"                               | isn't empty       |
      | XPath "//o:id" in request is UTC now "default"                           | isn't empty       |
      | XPath "//o:id" in request is a random date after "2020-01-01" "default"  | isn't empty       |
      | XPath "//o:id" in request is a random date before "2020-01-01" "default" | isn't empty       |
      | XPath "//o:id" in request is one of "A,B"                                | is one of "A,B"   |
      | XPath "//o:missing" in request is a random string                        | isn't empty       |
      | XPath "//o:missing" in request is a random date "default"                | isn't empty       |

  Scenario: elements keep what stands inside them
    Given URL path "/back"
    And request is "<a>one<b>two</b>three</a>"
    And XPath "/a" in request is "new"
    When the URL is invoked
    Then XPath "/a" is "new"
    And XPath "/a/b" is "two"

  Scenario: SOAP action and body are sent
    Given context is cleaned up

  Scenario: clean up
    Then context is cleaned up

  Scenario: what is sent
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"
    And format "XML"
    And SOAP action "urn:${APITEST_TEXT}"
    And request is "<a b='1'>Łódź &amp; <c></c></a>"
    And response format "JSON"
    When the URL is invoked
    Then JSON Pointer "/body" is "<a b="1">&#321;&#243;d&#378; &amp; <c/></a>"
    And JSON Pointer "/headers/Soapaction" is "urn:Sean"

  Scenario: XML has no content type of its own
    Then JSON Pointer "/headers/Content-Type" is "text/xml"

  Scenario: namespaces are gone
    Given context is cleaned up

  Scenario: really
    Then context is cleaned up

  Scenario: an unknown prefix
    Given address "$APITEST_ADDRESS"
    And URL path "/xml"
    And format "XML"
    When the URL is invoked
    Then XPath "//o:id" is "1"

  Scenario: a reply that is no XML
    Given URL path "/sample"
    When the URL is invoked
    Then status is "200"

  Scenario Outline: request is <body>
    Given format "XML"
    And request is "<body>"

    Examples:
      | body       |
      | <a/>       |
      | <a>        |
      | text       |
      | <a/><b/>   |
      | <a b="1"/> |
      | <a b=1/>   |
      | <x:a/>     |

  Scenario Outline: request <file>
    Given format "XML"
    And request "<file>"

    Examples:
      | file        |
      | order.xml   |
      | empty.xml   |
      | missing.xml |

  Scenario: an XPath before a request
    Given XPath "//a" in request is "b"
