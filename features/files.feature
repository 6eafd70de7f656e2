Feature: File channels
  Files that come into a folder go to a service, and are moved away: to one folder when they were handled, to another, with
  the reason, when they were not.

  Background:
    Given a cluster of 2 servers
    And a folder "ORDERS_FOLDER"
    And service file "channels/v1/orders.star" is deployed
    And definitions from "channels/files.yaml"
    And the Redis list "orders" is empty

  Scenario: A file goes to the service, and is moved away
    When file "channels/orders.csv" is copied into folder "#ORDERS_FOLDER"
    Then the Redis list "orders" holds "orders.csv: 3 x bolt,orders.csv: 5 x nut" within 30 seconds
    And folder "#ORDERS_FOLDER" holds file "done/orders.csv" within 20 seconds
    And folder "#ORDERS_FOLDER" does not hold file "orders.csv"

  Scenario: A file that the service refuses is kept, with the reason
    When file "channels/bad.csv" is copied into folder "#ORDERS_FOLDER"
    Then folder "#ORDERS_FOLDER" holds file "failed/bad.csv" within 30 seconds
    And file "failed/bad.csv.error" of folder "#ORDERS_FOLDER" contains "error: there are no anvils"
    And file "failed/bad.csv.error" of folder "#ORDERS_FOLDER" contains "service: orders.take-file"
    And folder "#ORDERS_FOLDER" does not hold file "bad.csv"
    And the Redis list "orders" is empty

  Scenario: A file that is too big is not read
    When file "channels/long.csv" is copied into folder "#ORDERS_FOLDER"
    Then file "failed/long.csv.error" of folder "#ORDERS_FOLDER" contains "over the limit of 100 of channel Order files; raise its max_size" within 30 seconds
    And the Redis list "orders" is empty

  Scenario: Files of other names stay where they are
    When file "channels/note.txt" is copied into folder "#ORDERS_FOLDER"
    And file "channels/orders.csv" is copied into folder "#ORDERS_FOLDER"
    Then folder "#ORDERS_FOLDER" holds file "done/orders.csv" within 30 seconds
    And folder "#ORDERS_FOLDER" holds file "note.txt"

  Scenario: Whichever server reads the folder, another goes on
    When server 1 is killed
    And file "channels/orders.csv" is copied into folder "#ORDERS_FOLDER"
    Then folder "#ORDERS_FOLDER" holds file "done/orders.csv" within 30 seconds
    When server 1 is started
    And server 2 is stopped
    And file "channels/bad.csv" is copied into folder "#ORDERS_FOLDER"
    Then folder "#ORDERS_FOLDER" holds file "failed/bad.csv" within 30 seconds
    When server 2 is started
    Then all servers are at the same revision within 20 seconds
