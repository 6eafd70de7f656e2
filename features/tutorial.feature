Feature: The tutorial
  A bank's client asks for a customer's details. The service asks the CRM and the payments system, merges what they
  say, and tells fraud detection about customers of the types that a list in Redis names.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers
    And definitions from "tutorial.yaml"
    And the Redis list "myapp:fraud-detection:cust-type" holds "B"
    And format "JSON"
    And HTTP method "POST"
    And URL path "/tutorial/first-service"
    And request is "{"cust_id": 123, "cust_type": "A"}"

  Scenario: Before it declares its SimpleIO, the service answers the plain object
    Given service file "plain/tutorial.star" is deployed
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"first_name": "Sean", "last_name": "O'Brien", "last_payment_date": "2013-05-14T10:42:14.401555", "last_payment_amount": "357"}"

  Scenario: With SimpleIO the answer is in an envelope
    Given service file "tutorial.star" is deployed
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" starts with "application/json"
    And JSON response is equal to "{"response": {"first_name": "Sean", "last_name": "O'Brien", "last_payment_date": "2013-05-14T10:42:14.401555", "last_payment_amount": "357"}}"
    And on every server, JSON Pointer "/response/first_name" is "Sean"

  Scenario: The back ends are asked for that customer, with the CID of the request
    When the URL is invoked
    Then I store header "X-Parley-CID" under "cid"
    And the CRM received 1 request
    And its request has JSON Pointer "/cust_id" that is JSON "123"
    And its request has JSON Pointer "/cust_type" "A"
    And its request has header "X-Parley-CID" "#cid"
    And the payments received 1 request
    And its request has header "X-Parley-CID" "#cid"
    And no unexpected call was received

  Scenario: The second channel serves the same service as XML, with the fields in declared order
    Given format "XML"
    And URL path "/tutorial/first-service/xml"
    And request is "<request><cust_id>123</cust_id><cust_type>A</cust_type></request>"
    When the URL is invoked
    Then status is "200"
    And header "Content-Type" contains "xml"
    And I store header "X-Parley-CID" under "cid"
    And response is equal to "<response><parley_env><cid>#{cid}</cid><result>PARLEY_OK</result></parley_env><item><first_name>Sean</first_name><last_name>O'Brien</last_name><last_payment_date>2013-05-14T10:42:14.401555</last_payment_date><last_payment_amount>357</last_payment_amount></item></response>"

  Scenario: Fraud detection is told about customers of the listed types
    Given the Redis list "myapp:fraud-detection:cust-type" holds "A,B"
    When the URL is invoked
    Then status is "200"
    And the fraud detection system received 1 message within 20 seconds
    And its message has JSON Pointer "/timestamp" that is a time of the last 10 seconds
    And its message has JSON Pointer "/request" that is a text of JSON "{"cust_id": 123, "cust_type": "A"}"
    And its message has JSON Pointer "/response" that is JSON "{"first_name": "Sean", "last_name": "O'Brien", "last_payment_date": "2013-05-14T10:42:14.401555", "last_payment_amount": "357"}"

  Scenario: Of other customers it hears nothing
    Given JSON Pointer "/cust_type" in request is "C"
    When the URL is invoked
    Then status is "200"
    And the fraud detection system receives nothing for 0.3 seconds

  Scenario: The list can be changed without a new deploy
    Given JSON Pointer "/cust_type" in request is "C"
    And the Redis list "myapp:fraud-detection:cust-type" holds "B,C"
    When the URL is invoked
    Then the fraud detection system received 1 message within 20 seconds
    And its message has JSON Pointer "/response/first_name" "Sean"

  Scenario: The client does not wait for fraud detection
    Given the Redis list "myapp:fraud-detection:cust-type" holds "A,B"
    And the fraud detection mock is down
    When the URL is invoked
    Then status is "200"
    And the reply took less than "10 seconds"
    When the fraud detection mock is up
    Then the fraud detection system received 1 message within 20 seconds

  Scenario: Malformed JSON is refused with line and column
    Given request format "RAW"
    And response format "JSON"
    And header "Content-Type" "application/json"
    And request is "{"cust_id": 123, "cust_type" "A"}"
    When the URL is invoked
    Then status is "400"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And JSON Pointer "/parley_env/details" contains the text "line 1"
    And JSON Pointer "/parley_env/details" contains the text "column 30"

  Scenario: Malformed XML is refused with line and column
    Given request format "RAW"
    And response format "XML"
    And header "Content-Type" "application/xml"
    And URL path "/tutorial/first-service/xml"
    And request is "<request><cust_id>123</cust_id><cust_type>A</request>"
    When the URL is invoked
    Then status is "400"
    And XPath "/response/parley_env/result" is "PARLEY_ERROR"
    And XPath "/response/parley_env/details" contains the text "line 1"
    And XPath "/response/parley_env/details" contains the text "column"

  Scenario: Every wrong or missing field is named at once
    Given request is "{"cust_id": "not a number"}"
    When the URL is invoked
    Then status is "400"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And JSON Pointer "/parley_env/details" contains the text "cust_id"
    And JSON Pointer "/parley_env/details" contains the text "cust_type"
    And the CRM received 0 requests

  Scenario: An unknown path
    Given URL path "/tutorial/no-service"
    When the URL is invoked
    Then status is "404"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And I store header "X-Parley-CID" under "cid"
    And JSON Pointer "/parley_env/cid" is "#cid"

  Scenario: The wrong method
    Given HTTP method "GET"
    And there is no request body
    When the URL is invoked
    Then status is "405"
    And header "Allow" contains "POST"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"

  Scenario: A body over the channel's limit
    Given request is a text of 5000 bytes
    When the URL is invoked
    Then status is "413"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And JSON Pointer "/parley_env/details" contains the text "4096"

  Scenario: A back end is down
    Given the CRM mock is down
    When the URL is invoked
    Then status is "502"
    And JSON Pointer "/parley_env/details" contains the text "CRM"
    And I store header "X-Parley-CID" under "cid"
    And JSON Pointer "/parley_env/cid" is "#cid"

  Scenario: A back end is too slow
    Given the CRM mock answers after "60 seconds"
    When the URL is invoked
    Then status is "504"
    And JSON Pointer "/parley_env/details" contains the text "CRM"
    And the reply took less than "20 seconds"
    And I store header "X-Parley-CID" under "cid"
    And JSON Pointer "/parley_env/cid" is "#cid"

  Scenario: A service that fails says no more than its CID, and the log says where
    Given definitions from "errors.yaml"
    And service file "failing.star" is deployed
    And URL path "/demo/failing"
    When the URL is invoked
    Then status is "500"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"
    And JSON Pointer "/parley_env/details" does not contain the text "closed"
    And I store header "X-Parley-CID" under "cid"
    And JSON Pointer "/parley_env/cid" is "#cid"
    And the servers' logs contain "#cid" within 20 seconds
    And the servers' logs contain "failing.star:4" within 20 seconds
    And the servers' logs contain "failing.star:7" within 20 seconds

  Scenario: An endless loop ends at the request's deadline
    Given definitions from "errors.yaml"
    And service file "looping.star" is deployed
    And URL path "/demo/looping"
    When the URL is invoked
    Then status is "504"
    And the reply took at least "400 ms"
    And the reply took less than "20 seconds"
    And JSON Pointer "/parley_env/result" is "PARLEY_ERROR"

  Scenario: Ping
    Given URL path "/parley/ping"
    And HTTP method "GET"
    And there is no request body
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/parley_env/result" is "PARLEY_OK"
    And JSON Pointer "/parley_ping_response/pong" is "parley"
    And on every server, JSON Pointer "/parley_ping_response/pong" is "parley"

  Scenario: Every reply carries its CID
    When the URL is invoked
    Then header "X-Parley-CID" is not empty
    And I store header "X-Parley-CID" under "first"
    When the URL is invoked
    Then header "X-Parley-CID" is not "#first"
