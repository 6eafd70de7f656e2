Feature: Back ends that want to know who calls
  A connection proves who calls by the definition that it names: a user and a password, a key, NTLM, a signature of AWS's or a
  token of an authorization server. The bank here checks each of them, and lets nobody in who only looks right.

  Background:
    Given an HTTP mock from "back_ends/bank.yaml" called "Bank"
    And an HTTP mock from "back_ends/identity.yaml" called "Identity"
    And a cluster of 2 servers
    And service file "back_ends/ask.star" is deployed
    And definitions from "back_ends/bank_parley.yaml"
    And format "JSON"
    And HTTP method "POST"
    And URL path "/ask"

  Scenario Outline: The bank lets in who calls by <way>
    Given request is "{"name": "<way>"}"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"status": 200, "data": {"let_in": "<as>"}}"
    And the Bank received 1 request
    And its request has JSON Pointer "/order" that is JSON "1"

    Examples:
      | way     | as     |
      | Basic   | basic  |
      | Key     | key    |
      | NTLM    | ntlm   |
      | AWS     | aws    |
      | OAuth 2 | oauth2 |

  Scenario Outline: The bank refuses who has a wrong secret, by <way>
    Given request is "{"name": "<way> Wrong"}"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/status" is an integer "401"
    And response does not contain "s3cret"
    And response does not contain "let_in"

    Examples:
      | way   |
      | Basic |
      | Key   |
      | NTLM  |
      | AWS   |

  Scenario: A token is asked for once, and used again
    Given request is "{"name": "OAuth 2"}"
    When the URL is invoked
    And the URL is invoked
    And the URL is invoked
    And the URL is invoked
    Then status is "200"
    And the Bank received 4 requests
    And the Identity received 2 requests

  Scenario: Without a token the bank is not called
    Given request is "{"name": "OAuth 2 Wrong"}"
    When the URL is invoked
    Then status is "502"
    And response does not contain "s3cret"
    And the Bank received 0 requests

  Scenario: Callers' tokens are worth what the authorization server says
    Given URL path "/accounts"
    And header "Authorization" "Bearer anything"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/hello" is "sean"
    When the Identity mock answers with body "{"active": true, "sub": "sean", "scope": "orders"}"
    And the URL is invoked
    Then status is "403"
    When the Identity mock answers with body "{"active": false}"
    And the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" contains "invalid_token"

  Scenario: Nobody is let in while the authorization server is down
    Given URL path "/accounts"
    And header "Authorization" "Bearer anything"
    And the Identity mock is down
    When the URL is invoked
    Then status is "503"
    And response does not contain "anything"
