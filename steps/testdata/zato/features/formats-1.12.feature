Feature: Formats

  Background:
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"

  Scenario: a body before a format
    Given request is "{}"

  Scenario: a file before a format
    Given request "customer.json"

  Scenario: a JSON assertion without any format
    When the URL is invoked
    Then JSON Pointer "/method" is "POST"

  Scenario: a reply without any format is text
    When the URL is invoked
    Then status is "200"

  Scenario: a format in lower case
    Given format "json"
    And request is "{"a": 1}"
    When the URL is invoked
    Then status is "200"

  Scenario: a format in lower case, and an assertion
    Given format "json"
    When the URL is invoked
    Then JSON Pointer "/method" is "POST"

  Scenario: an unknown format
    Given format "CSV"

  Scenario: JSON, but the reply is none
    Given format "JSON"
    And URL path "/say"
    And query string "?body=text"
    When the URL is invoked
    Then status is "200"

  Scenario: JSON, but the reply is empty
    Given format "JSON"
    And URL path "/say"
    And query string "?body="
    When the URL is invoked
    Then status is "200"

  Scenario: an assertion after an invocation that failed
    Then status is "200"

  Scenario: response format RAW keeps text
    Given format "JSON"
    And response format "RAW"
    And query string "?"
    And request is "{"a": 1}"
    When the URL is invoked
    Then status is "200"

  Scenario: response format RAW and a JSON assertion
    When the URL is invoked
    Then JSON Pointer "/method" is "POST"

  Scenario: response format RAW and a whole comparison
    When the URL is invoked
    Then response is equal to that from "customer.json"

  Scenario: a file's folder is the response format's, a quirk
    Given request "customer.json"

  Scenario: so a JSON request comes from the raw folder, and is still parsed
    Given request "lines.txt"

  Scenario: all is forgotten
    Then context is cleaned up

  Scenario: RAW request, JSON reply
    Given request format "RAW"
    And response format "JSON"
    And request is "just ${APITEST_TEXT}"
    When the URL is invoked
    Then JSON Pointer "/body" is "just Sean"

  Scenario: RAW has no content type of its own
    When the URL is invoked
    Then JSON Pointer "/headers/Content-Type" is "text/plain"

  Scenario: RAW with a content type
    Given header "Content-Type" "text/plain"
    When the URL is invoked
    Then JSON Pointer "/headers/Content-Type" is "text/plain"

  Scenario: the header stays when JSON is next, which has its own
    Given format "JSON"
    And request is "[]"
    When the URL is invoked
    Then JSON Pointer "/headers/Content-Type" is "application/json"

  Scenario: and JSON's stays when RAW is next
    Given format "RAW"
    And request is "[]"
    When the URL is invoked
    Then JSON Pointer "/headers/Content-Type" is "application/json"
    And JSON Pointer "/body" is "[]"
    And context is cleaned up

  Scenario: RAW from a file, with its line ends
    Given format "RAW"
    And request "lines.txt"
    And response format "JSON"
    When the URL is invoked
    Then JSON Pointer "/json" isn't empty

  Scenario: that body as a text
    When the URL is invoked
    Then I store "/body" from response under "body"
    And variable "#body" is a string "line 1 line 2"

  Scenario: RAW reply, whole comparison needs JSON
    Given format "RAW"
    And response format "RAW"
    And URL path "/say"
    And query string "?body=plain%20text"
    When the URL is invoked
    Then status is "200"
    And response is equal to that from "plain.txt"

  Scenario: RAW reply, JSON comparison needs JSON
    When the URL is invoked
    Then response is equal to "{}"
    And context is cleaned up

  Scenario: again all is forgotten
    Then context is cleaned up

  Scenario: FORM
    Given format "FORM"
    And response format "JSON"
    And request param "name" is "Sean O'Brien"
    And request param "city" is "Łódź & more"
    And request param "env" is "$APITEST_TEXT"
    When the URL is invoked
    Then JSON Pointer "/headers/Content-Type" is "application/x-www-form-urlencoded"
    And JSON Pointer "/form" is JSON "{"name": ["Sean O'Brien"], "city": ["Łódź & more"], "env": ["Sean"]}"

  Scenario: FORM params stay, and a repeated name makes a list
    Given request param "name" is "Ann"
    And request param "name" is "Bob"
    When the URL is invoked
    Then JSON Pointer "/form/name" is JSON "["Sean O'Brien", "Ann", "Bob"]"
    And JSON Pointer "/form/env" is a list "Sean"

  Scenario: the form is cleaned up, the rest is not
    Then form is cleaned up

  Scenario: an empty form is sent as nothing
    When the URL is invoked
    Then JSON Pointer "/form" is an empty dict
    And JSON Pointer "/body" is empty
    And JSON Pointer "/headers/Content-Type" is "application/x-www-form-urlencoded"

  Scenario: an empty param is no step
    Given request param "name" is ""

  Scenario: FORM with GET sends a body too
    Given HTTP method "GET"
    And request param "a" is "1 2"
    When the URL is invoked
    Then JSON Pointer "/body" is "a=1+2"

  Scenario: files
    Given request file "one" is "first.txt"
    And request file "two" is "second.txt"
    When the URL is invoked
    Then JSON Pointer "/headers/Content-Type" is "multipart/form-data"
    And JSON Pointer "/files/one/content" is "first file"
    And JSON Pointer "/files/one/name" is "first.txt"
    And JSON Pointer "/files/two/content" is "second file"
    And JSON Pointer "/values/a" is a list "1 2"

  Scenario: the form is cleaned up, files too
    Then form is cleaned up

  Scenario: no files any more
    Given request param "b" is "2"
    When the URL is invoked
    Then JSON Pointer "/form/b" is a list "2"

  Scenario: a file that is not there
    Given request file "one" is "missing.txt"

  Scenario: a param without a format
    Given context is cleaned up

  Scenario: the reply to a FORM is text
    Given format "FORM"
    And response format "FORM"
    And request param "b" is "2"
    When the URL is invoked
    Then status is "200"
    And context is cleaned up

  Scenario: a param without a format can be said, but not sent
    Given request param "b" is "2"
    When the URL is invoked
