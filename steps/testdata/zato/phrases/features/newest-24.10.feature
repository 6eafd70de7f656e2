Feature: every phrase of zato-apitest, in the words of 24.10

  Scenario: 24.10
    Given REST method "POST"
    Given form field "colour" is "green"
    Given path "/id" in request is a UUID4
    Then path "/id" is a uuid
    Then path "/name" is any string
    Given OAuth2 endpoint "https://login.example.com/token"
    Given OAuth2 credentials "joe" "s3cret-1"
    Given OAuth2 scopes "read write"
    Given OAuth2 grant type "client_credentials"
    Given OAuth2 extra fields "audience=api, tenant=7"
    Given OAuth2 client ID field "client_id"
    Given OAuth2 client secret field "client_secret"
    Given OAuth2 request format "JSON"
    Given I store an OAuth2 bearer token under "token"
    Given OAuth2 bearer token "#token"
    Then OAuth2 context is cleaned up
    When this scenario is invoked
    When this step is invoked
    Then I proceed further
    Then context is logged
    Then variable "#name" is any string
    Then variable "#code" is any integer
    Then variable "#amount" is any float
    Then variable "#ok" is any Boolean
    Then variable "#flow" is any list
    Then variable "#customer" is any dict
    Then variable "#id" is any UUID4
