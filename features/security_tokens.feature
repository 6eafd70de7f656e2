Feature: Tokens and headers that say who calls
  A user logs in once and shows a token from then on, to whichever server. A log-out ends the token on all of them. Where a
  proxy has checked who calls, the headers that it sets do. Nobody learns why a log-in was refused, but how long to wait.

  Background:
    Given a cluster of 2 servers
    And service file "security/who.star" is deployed
    And definitions from "security/tokens.yaml"
    And format "JSON"
    And HTTP method "POST"
    And URL path "/log-in"
    And request is "{"username": "joe", "password": "s3cret-of-joe"}"

  Scenario: A user logs in, and every server knows the token until the user logs out
    When the URL is invoked
    Then status is "200"
    And header "Cache-Control" is "no-store"
    And JSON Pointer "/token_type" is "Bearer"
    And JSON Pointer "/expires_in" is an integer "600"
    And I store "/token" from response under "token"
    Given URL path "/accounts"
    And header "Authorization" "Bearer #{token}"
    And request is "{}"
    When the URL is invoked
    Then status is "200"
    And on every server, JSON Pointer "/hello" is "world"
    Given URL path "/log-out"
    When the URL is invoked
    Then status is "200"
    Given URL path "/accounts"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" contains "it was given up"
    And on every server, JSON Pointer "/parley_env/result" is "PARLEY_ERROR"

  Scenario: Without a token nobody is let in, and the answer says what is asked for
    Given URL path "/accounts"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "Bearer realm="Customers""
    Given header "Authorization" "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2UiLCJleHAiOjQxMDI0NDQ4MDB9."
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" contains "invalid_token"

  Scenario: Wrong passwords are refused, and after some of them the next one must wait
    Given request is "{"username": "jim", "password": "guess"}"
    When the URL is invoked
    Then status is "401"
    And response does not contain "jim"
    When the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    Then status is "429"
    And header "Retry-After" is not empty
    Given request is "{"username": "joe", "password": "s3cret-of-joe"}"
    When the URL is invoked
    Then status is "200"

  Scenario: What a proxy says of its client
    Given URL path "/back-office"
    And request is "{}"
    And header "X-Client-Cert-Subject" "CN=partner,O=Bank"
    And header "X-Proxy-Key" "s3cret-of-the-proxy"
    And header "X-User" "ann"
    And header "X-Role" "clerk"
    When the URL is invoked
    Then status is "200"
    Given header "X-Role" "clerks"
    When the URL is invoked
    Then status is "401"
    Given header "X-Emergency" "yes"
    When the URL is invoked
    Then status is "200"
    Given header "X-Proxy-Key" "s3cret-of-the-prox"
    When the URL is invoked
    Then status is "401"
    And response does not contain "s3cret"
