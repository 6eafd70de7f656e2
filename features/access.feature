Feature: Who may, and how often
  Roles say which callers may create, read, update or delete through which services. Rate limits say how often, in one count
  for all servers of the cluster.

  Background:
    Given a cluster of 2 servers
    And service file "access/who.star" is deployed
    And definitions from "access/access.yaml"

  Scenario: A role grants reading alone
    Given URL path "/customers"
    And Basic Auth "sue" "sue-pass"
    And HTTP method "GET"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/done" is "GET"
    Given HTTP method "DELETE"
    When the URL is invoked
    Then status is "403"
    And JSON Pointer "/parley_env/details" contains the text "you are not allowed to access this resource"

  Scenario: A role below another has its grants, too
    Given URL path "/customers"
    And Basic Auth "bob" "bob-pass"
    And HTTP method "GET"
    When the URL is invoked
    Then status is "200"
    Given HTTP method "DELETE"
    When the URL is invoked
    Then status is "200"

  Scenario: Who has no role does not get in
    Given URL path "/customers"
    And Basic Auth "jim" "jim-pass"
    And HTTP method "GET"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "parley"

  Scenario: Three requests a day, over all servers
    Given URL path "/trial"
    And HTTP method "GET"
    When the URL is invoked
    Then status is "200"
    When the URL is invoked
    Then status is "200"
    When the URL is invoked
    Then status is "200"
    When the URL is invoked
    Then status is "429"
    And header "Retry-After" is not empty
    And JSON Pointer "/parley_env/details" contains the text "the limit is 3/d"

  Scenario: No caller can say that it is somewhere else
    Given URL path "/office"
    And HTTP method "GET"
    And header "X-Forwarded-For" "10.1.2.3"
    When the URL is invoked
    Then status is "200"
    When the URL is invoked
    Then status is "429"
