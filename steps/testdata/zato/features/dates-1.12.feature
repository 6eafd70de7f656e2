Feature: Dates

  Background:
    Given address "$APITEST_ADDRESS"
    And URL path "/echo"
    And HTTP method "POST"
    And format "JSON"
    And request is "{}"
    And date format "day" "YYYY-MM-DD"

  Scenario Outline: <pattern> is <text>
    Given date format "own" "<pattern>"
    And JSON Pointer "/d" in request is a random date between "2020-03-04 05:06:07.080900" and "2020-03-05 05:06:07.080900" "own"
    When the URL is invoked
    Then JSON Pointer "/json/d" is "<text>"

    Examples:
      | pattern             | text                |
      | YYYY-MM-DDTHH:mm:ss | 2020-03-04T05:06:07 |
      | YYYY/M/D            | 2020/3/4            |
      | YY                  | 20                  |
      | MMMM MMM            | March Mar           |
      | dddd ddd d          | Wednesday Wed 3     |
      | Do                  | 4th                 |
      | DDDD DDD            | 064 64              |
      | HH H hh h           | 05 5 05 5           |
      | A a                 | AM am               |
      | m s                 | 6 7                 |
      | S SS SSS            | 0 08 080            |
      | SSSS SSSSS SSSSSS   | 0809 08090 080900   |
      | ZZ Z                | +00:00 +0000        |
      | ZZZ                 | UTC                 |
      | X                   | 1583298367.0809     |
      | x                   | 1583298367080900    |
      | W                   | 2020-W10-3          |
      | [Day] D             | Day 4               |
      | [YYYY] YYYY         | YYYY 2020           |
      | at D                | at 4                |
      | YYYYMMDD            | 20200304            |
      | Q                   | 1                   |
      | w                   | w                   |
      | \D                  | \4                  |
      | -                   | -                   |

  Scenario Outline: between <start> and <end> is <text>
    Given JSON Pointer "/d" in request is a random date between "<start>" and "<end>" "default"
    When the URL is invoked
    Then JSON Pointer "/json/d" is "<text>"

    Examples:
      | start                         | end                           | text                |
      | 2020-03-04                    | 2020-03-05                    | 2020-03-04T00:00:00 |
      | 2020-03-05                    | 2020-03-04                    | 2020-03-05T00:00:00 |
      | 2020-03-04                    | 2020-03-04                    | 2020-03-04T00:00:00 |
      | 2020-03-04                    | 2020-03-04 12:00              | 2020-03-04T00:00:00 |
      | 2020-03-04 12:00              | 2020-03-04                    | 2020-03-04T12:00:00 |
      | 4 Mar 2020                    | 5 Mar 2020                    | 2020-03-04T00:00:00 |
      | March 4, 2020                 | 03/05/2020                    | 2020-03-04T00:00:00 |
      | 04.03.2020                    | 05.03.2020                    | 2020-04-03T00:00:00 |
      | 25/03/2020                    | 26/03/2020                    | 2020-03-25T00:00:00 |
      | 20200304                      | 20200305                      | 2020-03-04T00:00:00 |
      | 20200304T050607               | 20200305T050607               | 2020-03-04T05:06:07 |
      | 2020/03/04 5:06               | 2020/03/05 5:06               | 2020-03-04T05:06:00 |
      | 2020-03-04T05:06:07Z          | 2020-03-05T05:06:07Z          | 2020-03-04T05:06:07 |
      | 2020-03-04T05:06:07+02:00     | 2020-03-05T05:06:07+02:00     | 2020-03-04T05:06:07 |
      | Wed, 04 Mar 2020 05:06:07 GMT | Thu, 05 Mar 2020 05:06:07 GMT | 2020-03-04T05:06:07 |
      | 2020-03-04 5pm                | 2020-03-05 5pm                | 2020-03-04T17:00:00 |
      | 2020-03-04T05:06:07Z          | 2020-03-05                    | 2020-03-04T05:06:07 |
      | not a date                    | 2020-03-05                    | x                   |
      | 2020-13-45                    | 2020-03-05                    | x                   |
      | 2020-02-30                    | 2020-03-05                    | x                   |
      | $APITEST_MISSING              | 2020-03-05                    | x                   |
      | $APITEST_DATE                 | 2020-03-05                    | 2020-03-04T00:00:00 |

  Scenario Outline: <value> in the format that is asked for
    Given JSON Pointer "/d" in request is <value>
    When the URL is invoked
    Then JSON Pointer "/json/d" <assertion>

    Examples:
      | value                                                         | assertion   |
      | a random date "default"                                       | isn't empty |
      | now "default"                                                 | isn't empty |
      | UTC now "default"                                             | isn't empty |
      | UTC now "default" minus one hour                              | isn't empty |
      | now "day"                                                     | isn't empty |
      | a random date after "2020-03-04" "day"                        | isn't empty |
      | a random date before "2020-03-04" "day"                       | isn't empty |
      | a random date "nothing"                                       | isn't empty |
      | now "nothing"                                                 | isn't empty |
      | UTC now "nothing"                                             | isn't empty |
      | a random date after "2020-03-04" "nothing"                    | isn't empty |
      | a random date before "2020-03-04" "nothing"                   | isn't empty |
      | a random date between "2020-03-04" and "2020-03-05" "nothing" | isn't empty |
      | a random date after "never" "day"                             | isn't empty |
      | a random date before "never" "day"                            | isn't empty |
      | UTC now "nothing" minus one hour                              | isn't empty |

