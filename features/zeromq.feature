Feature: ZeroMQ channels
  A service takes what other systems push over ZeroMQ. One server of the cluster has the socket; when it goes, another has
  it. A new version of the service closes no socket.

  Background:
    Given a cluster of 2 servers
    And a free address "ORDERS_ADDRESS"
    And service file "channels/v1/orders.star" is deployed
    And definitions from "channels/zeromq.yaml"
    And the Redis list "orders" is empty

  Scenario: A message goes to the service
    When "{"product": "bolt", "count": "3"}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" holds "3 x bolt" within 20 seconds

  Scenario: Messages are handled one after the other
    When "{"product": "bolt", "count": 1}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    And "{"product": "bolt", "count": 2}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    And "{"product": "bolt", "count": 3}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" holds "1 x bolt,2 x bolt,3 x bolt" within 20 seconds

  Scenario: Messages that are wrong, and those that the service refuses, end nothing
    When "no JSON" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    And "{"product": "bolt", "count": "many"}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    And "{"product": "anvil", "count": 1}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    And "{"product": "nut", "count": 5}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" holds "5 x nut" within 20 seconds

  Scenario: The next message goes to the new version
    When service file "channels/v2/orders.star" is deployed
    And "{"product": "bolt", "count": 3}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" has 1 element within 20 seconds
    When service file "channels/v1/orders.star" is deployed
    And "{"product": "bolt", "count": 4}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" holds "3 x bolt; noted by the new version,4 x bolt" within 20 seconds

  Scenario: Whichever server has the socket, another takes it over
    When server 1 is stopped
    And "{"product": "bolt", "count": 1}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" holds "1 x bolt" within 20 seconds
    When server 1 is started
    And server 2 is killed
    And "{"product": "bolt", "count": 2}" is pushed to ZeroMQ address "#ORDERS_ADDRESS"
    Then the Redis list "orders" holds "1 x bolt,2 x bolt" within 20 seconds
    When server 2 is started
    Then all servers are at the same revision within 20 seconds
