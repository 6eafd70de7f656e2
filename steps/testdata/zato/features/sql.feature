Feature: SQL

  Scenario: connect
    Given I connect to "sqlite:///${APITEST_FOLDER}/@{sample}.db" as "db"
    And I store "people" under "table"

  Scenario: a statement without rows is an error, and still done
    Given I store "CREATE TABLE people (id INTEGER, name TEXT, city TEXT)" query result under "none", using "#db"

  Scenario: insert
    Then I insert "1, Ann" into "id, name" of SQL table "people", using "#db"
    And I insert "2, Bob, Cork" into "id, name, city" of SQL table "#table", using "#db"
    And I insert "3, it''s, Łódź" into "id, name, city" of SQL table "people", using "#db"

  Scenario: more values than columns
    Then I insert "1, Ann, x" into "id, name" of SQL table "people", using "#db"

  Scenario: no such table
    Then I insert "1" into "id" of SQL table "nobody", using "#db"

  Scenario: no such column
    Then I insert "1" into "nobody" of SQL table "people", using "#db"

  Scenario Outline: <sql> gives <rows>
    Then SQL "<sql>" is equal to "<rows>", using "#db"

    Examples:
      | sql                                         | rows                                  |
      | select id, name from people order by id     | [(1, 'Ann'), (2, 'Bob'), (3, "it's")] |
      | select id, name from people where id=1      | [(1, 'Ann')]                          |
      | select id, name from people where id=1      | [[1, 'Ann']]                          |
      | select id, name from people where id=1      | (1, 'Ann')                            |
      | select id, name from people where id=1      | [('1', 'Ann')]                        |
      | select id, name from people where id=1      | [(1.0, 'Ann')]                        |
      | select id from people where id=1            | [(1,)]                                |
      | select id from people where id=1            | [1]                                   |
      | select id from people where id=1            | 1                                     |
      | select city from people where id=1          | [(None,)]                             |
      | select city from people where id=3          | [('Łódź',)]                           |
      | select id from people where id=9            | []                                    |
      | select id from people where id=9            | [()]                                  |
      | select id from people where id=1            | not a literal                         |
      | select count(*) from people                 | [(3,)]                                |
      | select count(*) from people                 | [(4,)]                                |
      | select 1.5                                  | [(1.5,)]                              |
      | select 1                                    | [(True,)]                             |
      | select 'a' union select 'b'                 | [('a',), ('b',)]                      |
      | select nobody from people                   | []                                    |
      | nonsense                                    | []                                    |
      | update people set city='x' where id=9       | []                                    |
      | select id from people where name='#{table}' | []                                    |

  Scenario: one row is kept as its first column
    Given I store "select id, name from people where id=2" query result under "id", using "#db"
    Then variable "#id" is an integer "2"

  Scenario: several rows are kept as a list
    Given I store "select id from people order by id" query result under "ids", using "#db"
    Then variable "#ids" is a list "[(1,), (2,), (3,)]"

  Scenario: several rows are no list of lists
    Then variable "#ids" is a list "[[1], [2], [3]]"

  Scenario: no rows are an empty list
    Given I store "select id from people where id=9" query result under "ids", using "#db"
    Then variable "#ids" is an empty list

  Scenario: a null
    Given I store "select city from people where id=1" query result under "city", using "#db"
    Then variable "#city" is False

  Scenario: update
    Then I update "city" of SQL table "people" set "Galway" filter by "WHERE id=1", using "#db"
    And SQL "select city from people where id=1" is equal to "[('Galway',)]", using "#db"
    And SQL "select city from people where id=2" is equal to "[('Cork',)]", using "#db"

  Scenario: update several columns
    Then I update "name, city" of SQL table "people" set "Anna, Sligo" filter by "WHERE id=1", using "#db"
    And SQL "select name, city from people where id=1" is equal to "[('Anna', 'Sligo')]", using "#db"

  Scenario: fewer values than columns
    Then I update "name, city" of SQL table "people" set "Anne" filter by "WHERE id=1", using "#db"
    And SQL "select name, city from people where id=1" is equal to "[('Anne', 'None')]", using "#db"

  Scenario: update of a wrong column
    Then I update "nobody" of SQL table "people" set "x" filter by "WHERE id=1", using "#db"

  Scenario Outline: a filter <columns> <sign> <values> <joined>
    Given I store filter "<columns>" is "<sign>" "<values>" "<joined>" under "filter"
    Then SQL "select count(*) from (select '1' as a, '2' as b, 'x' as c) #{filter}" is equal to "[(<rows>,)]", using "#db"

    Examples:
      | columns | sign                                  | values  | joined        | rows |
      | c       | equal to                              | x       | and           | 1    |
      | c       | equal to                              | y       | and           | 0    |
      | a, c    | equal to, not equal to                | 1, x    | and           | 0    |
      | c, c    | equal to, equal to                    | x, x    | and           | 1    |
      | c,b     | equal to,not equal to                 | y,z     | or            | 1    |
      | c, b    | less than, greater than               | y, 0    | and           | 1    |
      | c, b    | less or equal to, greater or equal to | x, 0    | AND           | 1    |
      | a, b, c | equal to, equal to, equal to          | 9, 9, x | or, or        | 1    |
      | a, b, c | equal to, equal to, equal to          | 9, 9, x | and, and, and | 0    |
      | c       | like                                  | x       | and           | 0    |
      | a, c    | equal to                              | 1, x    | and           | 0    |
      | #table  | equal to                              | @sample | and           | 0    |

  Scenario: the text of a filter
    Given I store filter "id" is "equal to" "1" "and" under "filter"
    Then variable "#filter" is a string "WHERE id='1' "

  Scenario: delete by a filter
    Given I store filter "id" is "equal to" "3" "and" under "filter"
    Then I delete from SQL table "people" where "#filter", using "#db"
    And SQL "select count(*) from people" is equal to "[(2,)]", using "#db"

  Scenario: delete with a criterion that is no WHERE
    Then I delete from SQL table "people" where "id=2", using "#db"

  Scenario: delete with a WHERE
    Then I delete from SQL table "people" where "WHERE id=2", using "#db"
    And SQL "select count(*) from people" is equal to "[(1,)]", using "#db"

  Scenario: CSV into a table
    Then I insert data from csv "csv/people.csv" to SQL table "people", using "#db"
    And SQL "select id, name, city from people where name in ('Ann', 'Bob') order by id" is equal to "[(1, 'Ann', 'Dublin'), (2, 'Bob', 'Cork, south')]", using "#db"

  Scenario: a CSV file that is not there
    Then I insert data from csv "csv/missing.csv" to SQL table "people", using "#db"

  Scenario: CSV into a table that is not there
    Then I insert data from csv "csv/people.csv" to SQL table "nobody", using "#db"

  Scenario: a table of CSV, columns without names
    Then I create SQL table "bare" and insert data from csv "csv/people.csv", using "#db"
    And SQL "select col0, col1, col2 from bare" is equal to "[('id', 'name', 'city'), ('1', 'Ann', 'Dublin'), ('2', 'Bob', 'Cork, south')]", using "#db"

  Scenario: the table is there already
    Then I create SQL table "bare" and insert data from csv "csv/people.csv", using "#db"

  Scenario: a table of CSV, names and types in the header
    Then I create SQL table "typed" and insert data from csv "csv/typed.csv", using "#db" and names, data types from the header
    And SQL "select id, name, score from typed" is equal to "[(1, 'Ann', 1.5), (2, 'Bob', 2.0)]", using "#db"

  Scenario: a table of CSV, types in the line below
    Then I create SQL table "below" and insert data from csv "csv/below.csv", using "#db",     names from the header and data types from the line below
    And SQL "select id, name, born from below" is equal to "[(1, 'Ann', '2001-02-03'), (2, 'Bob', '2002-01-01')]", using "#db"

  Scenario: a header without types
    Then I create SQL table "untyped" and insert data from csv "csv/people.csv", using "#db" and names, data types from the header

  Scenario: a name that is no connection
    Then SQL "select 1" is equal to "[(1,)]", using "#table"

  Scenario: a connection that nobody opened
    Then SQL "select 1" is equal to "[(1,)]", using "#nobody"

  Scenario: a connection by its bare name
    Then SQL "select 1" is equal to "[(1,)]", using "db"

  Scenario: a connection in braces
    Then SQL "select 1" is equal to "[(1,)]", using "#{db}"

  Scenario: two connections
    Given I connect to "sqlite://" as "memory"
    Then SQL "select count(*) from sqlite_master" is equal to "[(0,)]", using "#memory"
    And SQL "select count(*) from people where id=1" is equal to "[(2,)]", using "#db"
    And I disconnect from SQL "#memory"

  Scenario: disconnect
    Then I disconnect from SQL "#db"

  Scenario: after disconnecting
    Then SQL "select 1" is equal to "[(1,)]", using "#db"

  Scenario: disconnecting again
    Then I disconnect from SQL "#db"

  Scenario Outline: connect to <url>
    Given I connect to "<url>" as "other"

    Examples:
      | url                            |
      | sqlite:///:memory:             |
      | nonsense                       |
      | unknown://localhost/db         |
      | sqlite:////no/such/folder/x.db |
      | #nobody                        |
