Feature: every phrase of zato-apitest, in the words of 1.12

  Scenario: common
    When the URL is invoked
    Given address "http://127.0.0.1:11223"
    Given URL path "/tutorial/first-service"
    Given HTTP method "POST"
    Given format "JSON"
    Given request format "RAW"
    Given response format "JSON"
    Given user agent is "curl/8"
    Given header "X-Client" "branch 7"
    Given request "details.json"
    Given request is "{"cust_id": 123, "cust_type": "A"}"
    Given request file "report" is "report.csv"
    Given request param "colour" is "green"
    Given query string "?page=2"
    Given date format "short" "DD.MM.YYYY"
    Given Basic Auth "joe" "s3cret-1"
    Given I store "123" under "customer"
    Given I store a random string under "id"
    Given I store a random integer under "n"
    Given I store a random float under "amount"
    Given I store a random date under "start", format "default"
    Then context is cleaned up
    Then form is cleaned up
    Then status is "200"
    Then header "Allow" is "POST"
    Then header "Server" isn't "nginx"
    Then header "Content-Type" contains "json"
    Then header "Content-Type" doesn't contain "xml"
    Then header "X-Parley-CID" exists
    Then header "X-Debug" doesn't exist
    Then header "X-Note" is empty
    Then header "X-Parley-CID" isn't empty
    Then header "Content-Type" starts with "application"
    Then header "Content-Type" doesn't start with "text"
    Then header "Content-Type" ends with "json"
    Then header "Content-Type" doesn't end with "xml"
    Then I store "/response/nickname" from response under "nick", default "none"
    Then I store "/response/first_name" from response under "first"
    Then response is equal to that from "details.json"
    Then JSON response is equal to "{"ok": true}"
    Then response is equal to "{"response": {"ok": true}}"
    Then I sleep for "0.01"
    Given I encode "Sean" using Base64 under "encoded"
    Then variable "#flow" is a list "['Ack', 1]"
    Then variable "#errors" is an empty list
    Then variable "#code" is an integer "0"
    Then variable "#amount" is a float "3.57"
    Then variable "#first" is a string "Sean"
    Then variable "#ok" is True
    Then variable "#ok" is False

  Scenario: JSON
    Given JSON Pointer "/cust_type" in request is "B"
    Given JSON Pointer "/tags" in request is "['a', 1, None]" (with literal_eval)
    Given JSON Pointer "/id" in request is a UUID
    Given JSON Pointer "/cust_id" in request is an integer "7"
    Given JSON Pointer "/amount" in request is a float "7.50"
    Given JSON Pointer "/tags" in request is a list "a,b"
    Given JSON Pointer "/name" in request is a random string
    Given JSON Pointer "/count" in request is a random integer
    Given JSON Pointer "/amount" in request is a random float
    Given JSON Pointer "/type" in request is one of "A,B,C"
    Given JSON Pointer "/urgent" in request is True
    Given JSON Pointer "/urgent" in request is False
    Given JSON Pointer "/when" in request is a random date "default"
    Given JSON Pointer "/when" in request is now "default"
    Given JSON Pointer "/when" in request is UTC now "default"
    Given JSON Pointer "/when" in request is UTC now "default" minus one hour
    Given JSON Pointer "/when" in request is a random date after "2012-10-25" "default"
    Given JSON Pointer "/when" in request is a random date before "25 October 2012" "default"
    Given JSON Pointer "/when" in request is a random date between "2012-10-25" and "2012-11-25" "default"
    Then JSON Pointer "/response/first_name" is "Sean"
    Then JSON Pointer "/flow" is "['Ack', 'Done']" (with literal_eval)
    Then JSON Pointer "/response" is JSON "{"ok": true}"
    Then JSON Pointer "/response" is JSON equal to that from "details.json"
    Then JSON Pointer "/code" is an integer "0"
    Then JSON Pointer "/code" is any integer
    Then JSON Pointer "/amount" is a float "3.57"
    Then JSON Pointer "/amount" is any float
    Then JSON Pointer "/ok" is any bool
    Then JSON Pointer "/flow" is a list "Ack,Done"
    Then JSON Pointer "/error" is empty
    Then JSON Pointer "/parley_env/cid" isn't empty
    Then JSON Pointer "/errors" isn't an empty list
    Then JSON Pointer "/type" is one of "A,B"
    Then JSON Pointer "/type" isn't one of "A,B"
    Then JSON Pointer "/id" is a BASE32 Crockford, checksum "true"
    Then JSON Pointer "/ok" is True
    Then JSON Pointer "/ok" is False
    Then JSON Pointer "/error" is null
    Then JSON Pointer "/errors" is an empty list
    Then JSON Pointer "/errors" is an empty dict
    Then JSON Pointer "/name" isn't a string "Joe"
    Then JSON response exists
    Then JSON response doesn't exist
    Then JSON Pointer "/date" starts with "2013-"
    Then JSON Pointer "/date" starts with any of "2013-,2014-"
    Then JSON Pointer "/date" ends with "Z"
    Then JSON Pointer "/flow" contains ""Done""
    Then JSON Pointer "/customers" contains data from "sean.json"

  Scenario: XML, XPath and SOAP
    Given namespace prefix "soap" of "http://schemas.xmlsoap.org/soap/envelope/"
    Given SOAP action "urn:get-customer"
    Given XPath "/request/cust_type" in request is "B"
    Given XPath "/request/cust_type" in request is a random string
    Given XPath "/request/cust_type" in request is a random integer
    Given XPath "/request/cust_type" in request is a random float
    Given XPath "/request/cust_type" in request is a random date "default"
    Given XPath "/request/cust_type" in request is now "default"
    Given XPath "/request/cust_type" in request is UTC now "default"
    Given XPath "/request/cust_type" in request is a random date after "2012-10-25" "default"
    Given XPath "/request/cust_type" in request is a random date before "2012-10-25" "default"
    Given XPath "/request/cust_type" in request is a random date between "2012-10-25" and "2012-11-25" "default"
    Given XPath "/request/cust_type" in request is one of "A,B,C"
    Then XPath "//item/first_name" is "Sean"
    Then XPath "//code" is an integer "0"
    Then XPath "//amount" is a float "357.0"
    Then XPath "//details" is empty
    Then XPath "//cid" isn't empty
    Then XPath "//type" is one of "A,B"
    Then XPath "//type" isn't one of "A,B"

  Scenario: Zato
    Given I store "1" "http://127.0.0.1:11223/zato/json/zato.service.upload-package" "pubapi" "s3cret-1" under Zato "conn"
    When I upload a Zato service from "my_service.py" to "#conn"
    Given I use Zato WSX
    Given I connect to a Zato WSX channel without credentials
    Given I close WSX connection
    Then WSX client is authenticated
    Then WSX client is disconnected
    Given Zato WebSockets service "demo.echo"

  Scenario: SQL
    Given I connect to "sqlite:///shop.db" as "shop"
    Given I store "SELECT count(*) FROM orders" query result under "orders", using "#shop"
    Then SQL "SELECT id, name FROM customers ORDER BY id" is equal to "[(1, 'Sean'), (2, 'Ann')]", using "#shop"
    Then I disconnect from SQL "#shop"
    Given I store filter "city, age" is "equal to, less than" "Oslo, 30" "AND" under "young"
    Then I insert "3, Joe" into "id, name" of SQL table "customers", using "#shop"
    Then I update "name, city" of SQL table "customers" set "Joe, Oslo" filter by "#third", using "#shop"
    Then I delete from SQL table "customers" where "WHERE id=3", using "#shop"
    Then I insert data from csv "customers.csv" to SQL table "customers", using "#shop"
    Then I create SQL table "customers" and insert data from csv "rows.csv", using "#shop"
    Then I create SQL table "customers" and insert data from csv "typed.csv", using "#shop" and names, data types from the header
    Then I create SQL table "customers" and insert data from csv "below.csv", using "#shop",     names from the header and data types from the line below

  Scenario: Cassandra
    Given Cassandra contact points "10.0.0.1, 10.0.0.2"
    Given Cassandra protocol version "4"
    Given Cassandra port "9042"
    Given I connect to keyspace "shop" as "shop"
    Given I store CQL query result "SELECT id, name FROM customers" under "first", using "shop", idx "0"
    Given I insert data from CSV "customers.csv" to Cassandra table "customers", using "shop"
    Then I disconnect from Cassandra "shop"
    Then I insert "3, Joe" into "id, name" of Cassandra table "customers", using "shop"
    Then I update "name" of Cassandra table "customers" set "Joe" filter by "WHERE id=3", using "shop"
    Then I delete from Cassandra table "customers" where "WHERE id=3", using "shop"

  Scenario: Zato's own suite
    Given I store a format string "{first}@example.com" under "mail"
    Given I store UTC now under "start" "default"
    Then JSON Pointer "/sample_req" is base64 JSON which pointer "/test" has "hello"
    Then JSON Pointer "/errors" isn't an empty list
