Feature: What is sent

  Background:
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"

  Scenario: nothing but an address
    When the URL is invoked
    Then status is "200"

  Scenario: a GET without a body has no content type
    Given format "JSON"
    When the URL is invoked
    Then path "/method" is "GET"
    And path "/body" is empty
    And path "/headers/Accept" is "*/*"
    And path "/headers/Accept-Encoding" is "gzip, deflate"

  Scenario: the content type is absent before there is a body
    Given format "JSON"
    When the URL is invoked
    Then path "/headers/Content-Type" is not empty

  Scenario Outline: method <method>
    Given format "JSON"
    And HTTP method "<method>"
    When the URL is invoked
    Then path "/method" is "<method>"

    Examples:
      | method   |
      | GET      |
      | POST     |
      | PUT      |
      | DELETE   |
      | PATCH    |
      | OPTIONS  |
      | WHATEVER |

  Scenario: the method is not resolved
    Given format "JSON"
    And HTTP method "$APITEST_METHOD"
    When the URL is invoked
    Then path "/method" is "POST"

  Scenario: the method is in lower case
    Given format "JSON"
    And HTTP method "post"
    When the URL is invoked
    Then path "/method" is "POST"

  Scenario Outline: query string <query>
    Given format "JSON"
    And HTTP method "GET"
    And query string "<query>"
    When the URL is invoked
    Then path "/query" is "<sent>"
    And path "/path" is "<path>"

    Examples:
      | query              | sent        | path       |
      | ?a=1&b=2           | a=1&b=2     | /echo      |
      | ?                  |             | /echo      |
      | ?a=x y             | a=x%20y     | /echo      |
      | ?a=%20             | a=%20       | /echo      |
      | ?a="q"             | a=%22q%22   | /echo      |
      | ?a=ż               | a=%C5%BC    | /echo      |
      | /more?a=1          | a=1         | /echo/more |
      | ?a=1#fragment      | a=1         | /echo      |
      | ?a=${APITEST_TEXT} | a=Sean      | /echo      |
      | ?a=b,c/d:e@f       | a=b,c/d:e@f | /echo      |
      | ?a=[1]             | a=%5B1%5D   | /echo      |
      | ?a={1}             | a=%7B1%7D   | /echo      |
      | ?a=1;b=2           | a=1;b=2     | /echo      |
      | ?a=%zz             | a=%25zz     | /echo      |
      | ?a=+1              | a=+1        | /echo      |

  Scenario: a query string without anything is no step
    Given query string ""

  Scenario: the path is put together as it is
    Given format "JSON"
    And query string "?x=1"
    And URL path "/echo/a/../b"
    When the URL is invoked
    Then path "/path" is "/echo/b"

  Scenario Outline: path <path>
    Given format "JSON"
    And query string "?x=1"
    And URL path "<path>"
    When the URL is invoked
    Then path "/path" is "<got>"
    And path "/raw_path" is "<raw>"

    Examples:
      | path        | got       | raw          |
      | /echo/a b   | /echo/a b | /echo/a%20b  |
      | /echo/a%20b | /echo/a b | /echo/a%20b  |
      | /echo/ż     | /echo/ż   | /echo/%C5%BC |
      | /echo/a%2Fb | /echo/a/b | /echo/a%2Fb  |
      | /echo/      | /echo/    | /echo/       |

  Scenario: an address that ends with a slash
    Given format "JSON"
    And address "$APITEST_SLASHED"
    And URL path "echo"
    When the URL is invoked
    Then path "/path" is "/echo"

  Scenario: nobody listens there
    Given address "http://127.0.0.1:1"
    When the URL is invoked
    Then status is "200"

  Scenario: no scheme
    Given address "127.0.0.1:1"
    When the URL is invoked

  Scenario: headers
    Given format "JSON"
    And URL path "/echo"
    And header "X-Own" "mine"
    And header "x-lower" "blanks inside"
    And header "X-Env" "$APITEST_TEXT"
    And header "X-Braces" "a ${APITEST_TEXT} b @{sample}"
    When the URL is invoked
    Then path "/headers/X-Own" is "mine"
    And path "/headers/X-Env" is "Sean"
    And path "/headers/X-Braces" is "a Sean b Hello"

  Scenario: a header set again is overwritten
    Given header "X-Own" "other"
    When the URL is invoked
    Then path "/headers/X-Own" is "other"

  Scenario: an empty header is no step
    Given header "X-Own" ""

  Scenario: user agent
    Given user agent is "Mozilla (${APITEST_TEXT})"
    When the URL is invoked
    Then path "/headers/User-Agent" is "Mozilla (Sean)"

  Scenario: Basic Auth
    Given Basic Auth "ann" "secret"
    And URL path "/auth"
    When the URL is invoked
    Then status is "200"
    And path "/user" is "ann"

  Scenario: Basic Auth stays until the context is cleaned up
    Given URL path "/auth"
    When the URL is invoked
    Then status is "200"
    And context is cleaned up

  Scenario: Basic Auth is gone
    Given URL path "/auth"
    And format "JSON"
    When the URL is invoked
    Then status is "401"
    And path "/given" is False

  Scenario: wrong Basic Auth
    Given URL path "/auth"
    And Basic Auth "ann" "wrong"
    When the URL is invoked
    Then status is "401"
    And path "/given" is True

  Scenario: a redirect is followed, POST becomes GET
    Given URL path "/moved"
    And query string "?"
    And HTTP method "POST"
    And format "JSON"
    And request is "{"a":1}"
    When the URL is invoked
    Then status is "200"
    And path "/path" is "/echo"
    And path "/method" is "GET"
    And path "/body" is empty

  Scenario: a redirect that keeps method and body
    Given URL path "/kept"
    When the URL is invoked
    Then status is "200"
    And path "/method" is "POST"
    And path "/json/a" is an integer "1"

  Scenario: a body goes with GET too
    Given HTTP method "GET"
    And URL path "/echo"
    When the URL is invoked
    Then path "/json/a" is an integer "1"
    And path "/headers/Content-Type" is "application/json"

  Scenario: a body from a file
    Given request "customer.json"
    And HTTP method "POST"
    When the URL is invoked
    Then path "/body" is JSON equal to that from "customer-sent.json"
    And path "/json" is JSON equal to that from "customer.json"

  Scenario Outline: a file that is not there or not JSON: <file>
    Given request "<file>"
    When the URL is invoked

    Examples:
      | file                     |
      | missing.json             |
      | broken.json              |
      | ../request/customer.json |

  Scenario Outline: request is <body>
    Given format "JSON"
    And request is "<body>"
    When the URL is invoked
    Then path "/json" is JSON "<body>"

    Examples:
      | body                          |
      | {}                            |
      | []                            |
      | 1                             |
      | 1.0                           |
      | -0.5e3                        |
      | true                          |
      | null                          |
      | "text"                        |
      | {"a":"b"}                     |
      | {"a": {"b": [1, 2.50, null]}} |
      | ["ż", "\u0041"]               |
      | 12345678901234567890          |
      | {"a":1,"a":2}                 |
      | NaN                           |
      | {a: 1}                        |
      | {'a': 1}                      |
      | [1,]                          |
      | 01                            |
      | {} {}                         |
      | text                          |
      | "\ud83d\ude00"                |

  Scenario: only white space is not JSON
    Given request is " "

  Scenario: values in a body
    Given I store "Ann" under "name"
    And request is "{"name": "#{name}", "env": "${APITEST_TEXT}", "user": "@{sample}", "price": "$5", "tag": "#1"}"
    When the URL is invoked
    Then path "/json/name" is "Ann"
    And path "/json/env" is "Sean"
    And path "/json/user" is "Hello"
    And path "/json/price" is "$5"

  Scenario: a value that is not there, in a body
    Given request is "{"name": "#{nobody}"}"

  Scenario: braces at the beginning of a value
    Given URL path "${APITEST_TEXT}"

  Scenario: a header that begins with a blank
    Given header "X-Own" " mine"
    When the URL is invoked
