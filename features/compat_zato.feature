Feature: Clients written for Zato
  A cluster with compat: zato answers in the names that Zato's clients know: headers, envelopes, paths and error texts.

  Background:
    Given the cluster of "zato/cluster.yaml"
    And service file "zato/services.star" is deployed
    And definitions from "zato/channels.yaml"
    And format "JSON"

  Scenario: Ping
    Given URL path "/zato/ping"
    When the URL is invoked
    Then status is "200"
    And header "Server" is "Zato"
    And I store header "X-Zato-CID" under "cid"
    And JSON response is equal to "{"zato_env": {"result": "ZATO_OK", "cid": "#{cid}", "details": ""}, "zato_ping_response": {"pong": "zato"}}"
    Given URL path "/zato/ping2"
    When the URL is invoked
    Then JSON Pointer "/zato_ping2_response/pong" is "zato"

  Scenario: The pings that ask who calls
    Given URL path "/zato/ping.plain_http.basic_auth"
    And Basic Auth "ping" "the-ping-password"
    When the URL is invoked
    Then status is "200"
    And I store header "X-Zato-CID" under "cid"
    And JSON response is equal to "{"zato_env": {"result": "ZATO_OK", "cid": "#{cid}", "details": ""}, "zato_ping_response": {"pong": "zato"}}"
    Given Basic Auth "ping" "the-soap-password"
    When the URL is invoked
    Then status is "401"
    Given URL path "/zato/ping.soap.basic_auth"
    And format "XML"
    And HTTP method "POST"
    And header "Content-Type" "text/xml"
    And namespace prefix "z" of "https://zato.io/ns/20130518"
    And request is "<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><ping/></s:Body></s:Envelope>"
    When the URL is invoked
    Then status is "200"
    And XPath "//z:zato_ping_response/z:item/z:pong" is "zato"
    And XPath "//z:zato_env/z:result" is "ZATO_OK"

  Scenario: The load-balancer says that it is alive
    Given URL path "/zato-lb-alive"
    And response format "RAW"
    When the URL is invoked
    Then status is "200"
    And response contains "Service ready."

  Scenario: JSON from a service has no envelope of Zato's
    Given URL path "/client"
    And HTTP method "POST"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"response": {"name": "Sean", "is_vip": true}}"

  Scenario: XML has one
    Given URL path "/client/xml"
    And format "XML"
    When the URL is invoked
    Then status is "200"
    And I store header "X-Zato-CID" under "cid"
    And response is equal to "<response><zato_env><cid>#{cid}</cid><result>ZATO_OK</result></zato_env><item><name>Sean</name><is_vip>true</is_vip></item></response>"

  Scenario: An unknown path
    Given URL path "/nowhere"
    When the URL is invoked
    Then status is "404"
    And I store header "X-Zato-CID" under "cid"
    And JSON Pointer "/zato_env/result" is "ZATO_ERROR"
    And JSON Pointer "/zato_env/details" is "URL not found (CID:#{cid})"

  Scenario: A method that the channel does not take, and one that the service has no function for
    Given URL path "/client"
    When the URL is invoked
    Then status is "405"
    And JSON Pointer "/zato_env/details" is "Method `GET` is not allowed here"
    Given URL path "/verbs"
    And HTTP method "PUT"
    And response format "RAW"
    When the URL is invoked
    Then status is "405"
    And header "Content-Length" is "0"

  Scenario: Credentials that are missing
    Given URL path "/basic"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "Basic realm="My Realm""
    Given URL path "/key"
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "zato-apikey"

  Scenario: A service that breaks
    Given URL path "/broken"
    When the URL is invoked
    Then status is "500"
    And JSON Pointer "/zato_env/details" is "An error has occurred"
    And the servers' logs contain "nobody but the log is told" within 20 seconds

  Scenario: No server is up
    Given URL path "/client"
    And server 1 is killed
    And server 2 is killed
    When the URL is invoked
    Then status is "503"
    And JSON Pointer "/zato_env/result" is "ZATO_ERROR"
    And JSON Pointer "/zato_env/details" is "No server is available to handle the request"
