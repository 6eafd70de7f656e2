Feature: Users and keys
  A channel is open to whom its security definition knows: a user with a password, or a program with a key. The service is
  told who calls. A new password counts at once, on all servers.

  Background:
    Given a cluster of 2 servers
    And service file "credentials/who.star" is deployed
    And definitions from "credentials/callers.yaml"
    And format "JSON"
    And HTTP method "POST"
    And request is "{}"

  Scenario: A user with the right password
    Given URL path "/partners"
    And Basic Auth "sean" "s3cret-of-sean"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"definition": "Partners", "username": "sean"}"

  Scenario Outline: Basic Auth refuses <who>
    Given URL path "/partners"
    And Basic Auth "<user>" "<password>"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "Basic realm="The Bank", charset="UTF-8""
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And response does not contain "s3cret"

    Examples:
      | who                     | user | password        |
      | a wrong password        | sean | s3cret-of-sea   |
      | one in other letters    | sean | S3CRET-OF-SEAN  |
      | an unknown user         | joe  | s3cret-of-sean  |
      | a user in other letters | Sean | s3cret-of-sean  |

  Scenario: Basic Auth refuses who says nothing, and who shows a key
    Given URL path "/partners"
    When the URL is invoked
    Then status is "401"
    Given header "X-Bank-Key" "s3cret-of-machines"
    When the URL is invoked
    Then status is "401"

  Scenario: A program with the right key
    Given URL path "/machines"
    And header "X-Bank-Key" "s3cret-of-machines"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/definition" is "Machines"

  Scenario Outline: An API key refuses <what>
    Given URL path "/machines"
    And header "<header>" "<key>"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "parley-apikey"
    And response does not contain "s3cret"

    Examples:
      | what                     | header     | key                  |
      | a wrong key              | X-Bank-Key | s3cret-of-machine    |
      | a longer key             | X-Bank-Key | s3cret-of-machines-1 |
      | the key in another place | X-Api-Key  | s3cret-of-machines   |

  Scenario: A changed password counts at once, on all servers
    Given URL path "/partners"
    And Basic Auth "sean" "s3cret-of-sean"
    When the URL is invoked
    Then status is "200"
    When definitions from "credentials/changed.yaml"
    And the URL is invoked
    Then status is "401"
    And on every server, JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    Given Basic Auth "sean" "another-s3cret-of-sean"
    When the URL is invoked
    Then status is "200"
    Given URL path "/machines"
    And header "X-Bank-Key" "s3cret-of-machines"
    When the URL is invoked
    Then status is "401"

  Scenario: A channel without a definition is open, and its service knows of nobody
    Given URL path "/anybody"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"definition": "", "username": ""}"
