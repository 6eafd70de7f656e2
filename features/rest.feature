Feature: REST channels
  A channel puts a service on the Web: it knows which methods the service takes, lets browsers' pages call it or not, compresses,
  keeps replies, and takes paths of any depth.

  Background:
    Given a cluster of 2 servers
    And service file "rest/customers.star" is deployed
    And definitions from "rest/channels.yaml"
    And format "JSON"
    And URL path "/customers/123"

  Scenario: Each method has its function, and HEAD is answered as GET
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/response/name" is "Sean"
    Given HTTP method "PUT"
    When the URL is invoked
    Then status is "202"
    And JSON Pointer "/response/name" is "changed"
    Given HTTP method "HEAD"
    And response format "RAW"
    When the URL is invoked
    Then status is "200"
    And header "Content-Length" is not "0"

  Scenario: Other methods are refused, and OPTIONS says which there are
    Given HTTP method "DELETE"
    When the URL is invoked
    Then status is "405"
    And header "Allow" is "GET, HEAD, OPTIONS, PUT"
    And JSON Pointer "/parley_env/details" is "the method DELETE is not allowed at /customers/{cust_id}; allowed: GET, HEAD, OPTIONS, PUT"
    Given HTTP method "OPTIONS"
    And response format "RAW"
    When the URL is invoked
    Then status is "204"
    And header "Allow" is "GET, HEAD, OPTIONS, PUT"

  Scenario: A browser asks whether a page may call
    Given HTTP method "OPTIONS"
    And response format "RAW"
    And URL path "/pages/123"
    And header "Origin" "https://app.example.com"
    And header "Access-Control-Request-Method" "PUT"
    And header "Access-Control-Request-Headers" "content-type"
    When the URL is invoked
    Then status is "204"
    And header "Access-Control-Allow-Origin" is "https://app.example.com"
    And header "Access-Control-Allow-Methods" contains "PUT"
    And header "Access-Control-Allow-Headers" is "content-type"
    And header "Access-Control-Allow-Credentials" is "true"
    Given header "Origin" "https://elsewhere.example.com"
    When the URL is invoked
    Then status is "204"
    And header "Access-Control-Allow-Origin" does not exist

  Scenario: A page reads the reply
    Given URL path "/pages/123"
    And header "Origin" "https://app.example.com"
    When the URL is invoked
    Then status is "200"
    And header "Access-Control-Allow-Origin" is "https://app.example.com"
    And header "Access-Control-Expose-Headers" is "X-Parley-CID"
    And header "Vary" contains "Origin"

  Scenario: Every website with credentials is refused when it is configured
    When importing definitions from "rest/everyone.yaml" is tried
    Then it is refused with "cors_credentials: with it, cors_origins cannot be *: every website could act for its visitors; name the websites that may"

  Scenario: Replies are compressed for those who take it
    Given response format "RAW"
    And URL path "/report"
    And header "Accept-Encoding" "gzip"
    When the URL is invoked
    Then status is "200"
    And header "Content-Encoding" is "gzip"
    And header "Vary" is "Accept-Encoding"
    And response contains "the same line again and again"
    Given header "Accept-Encoding" "identity"
    When the URL is invoked
    Then header "Content-Encoding" does not exist
    And header "Content-Length" is "6000"

  Scenario: A compressed body is inflated, and what it inflates to is limited
    Given HTTP method "POST"
    And URL path "/length"
    And request format "RAW"
    And response format "JSON"
    And header "Content-Encoding" "br"
    And request is "whatever"
    When the URL is invoked
    Then status is "415"
    And header "Accept-Encoding" is "gzip"
    And JSON Pointer "/parley_env/details" is "the request's body is encoded as "br"; send it as it is, or with Content-Encoding: gzip"

  Scenario: A reply is kept, and has the CID of the request that it answers
    Given URL path "/kept/customers/123"
    When the URL is invoked on server 1
    Then header "Age" does not exist
    When the URL is invoked on server 1
    Then header "Age" exists
    And I store header "X-Parley-CID" under "cid"
    And JSON Pointer "/response/cid" is "#cid"
    Given URL path "/kept/customers/124"
    When the URL is invoked on server 1
    Then header "Age" does not exist

  Scenario: The rest of a path
    Given URL path "/drives/c/reports/2026/may.txt"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"drive": "c", "path": "reports/2026/may.txt"}"
    Given URL path "/drives/c/"
    When the URL is invoked
    Then status is "404"
    When importing definitions from "rest/slash.yaml" is tried
    Then it is refused with "match_slash: it needs a url_path that ends in a name in braces, such as /files/{name}"

  Scenario: A service knows who calls
    Given URL path "/who"
    When the URL is invoked
    Then status is "401"
    Given Basic Auth "sean" "a-long-password"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"channel": "Who", "type": "channel_rest", "user": "sean", "definition": "Partners"}"
