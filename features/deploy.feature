Feature: Hot deploy
  A service file that is copied into a pickup folder, or given to parley deploy, runs on every server of the cluster
  milliseconds later. No request fails meanwhile, and what cannot run is refused while the old version keeps serving.

  Background:
    Given the tutorial's mocks
    And a cluster of 2 servers
    And definitions from "deploy.yaml"
    And format "JSON"
    And URL path "/demo/version"
    And service file "version/v1/version.star" is deployed

  Scenario: parley deploy returns when every server serves the new version
    When service file "version/v2/version.star" is deployed
    Then on every server, JSON Pointer "/version" is an integer "2"
    And all servers are at the same revision
    And service "demo.version" is deployed

  Scenario: A file in one server's pickup folder runs on every server
    When service file "version/v2/version.star" is copied to server 1's pickup folder
    Then within 20 seconds, on every server, JSON Pointer "/version" is an integer "2"

  Scenario: And so it does from the other server's
    When service file "version/v2/version.star" is copied to server 2's pickup folder
    Then within 20 seconds, on every server, JSON Pointer "/version" is an integer "2"

  Scenario: A request that is under way finishes on the version that it began with
    Given service file "slow/v1/slow.star" is deployed
    And the CRM mock answers after "1 second"
    And URL path "/demo/slow"
    When the URL is invoked in the background
    Then the CRM received 1 request within 20 seconds
    When service file "slow/v2/slow.star" is deployed
    And the background reply has arrived
    Then JSON Pointer "/version" is an integer "1"
    And JSON Pointer "/name" is "Sean"
    Given the CRM mock answers as usual
    Then on every server, JSON Pointer "/version" is an integer "2"

  Scenario: No request fails during 20 deploys
    When I send 200 requests per second in the background
    And service files "version/v2/version.star" and "version/v1/version.star" are deployed in turn 20 times
    Then at least 50 requests were answered within 20 seconds
    And no request failed
    And on every server, JSON Pointer "/version" is an integer "1"

  Scenario: A server that starts later has it too
    When server 2 is killed
    And service file "version/v2/version.star" is deployed
    And server 2 is started
    Then on every server, JSON Pointer "/version" is an integer "2"
    And all servers are at the same revision within 20 seconds

  Scenario: A restart with an old file in its folder changes nothing
    When service file "version/v3/version.star" is copied to server 1's pickup folder
    Then within 20 seconds, on every server, JSON Pointer "/version" is an integer "3"
    When service file "version/v2/version.star" is deployed
    And server 1 is restarted
    Then on every server, JSON Pointer "/version" is an integer "2"
    And I sleep for "0.5"
    And on every server, JSON Pointer "/version" is an integer "2"

  Scenario: A planned stop of a server fails no request
    When I send 100 requests per second in the background
    Then at least 20 requests were answered within 20 seconds
    When server 1 is stopped
    Then server 1 does not answer
    When server 1 is started
    Then server 1 answers within 20 seconds
    And no request failed

  Scenario Outline: What cannot run is refused where it is wrong, and the old version keeps serving: <what>
    When deploying "refused/<file>" is tried
    Then it is refused with "<where>"
    And on every server, JSON Pointer "/version" is an integer "1"
    And all servers are at the same revision

    Examples:
      | what                       | file         | where              |
      | a syntax error             | syntax.star  | syntax.star:4:41:  |
      | an unknown name            | unknown.star | unknown.star:4:5:  |
      | a top level without end    | endless.star | endless.star:6:9:  |
      | two files with one service | twin.star    | twin.star:6:8:     |

  Scenario: Two new files that claim one service are refused together
    Given service "demo.version" is undeployed
    When deploying "version/v1/version.star" together with "refused/twin.star" is tried
    Then it is refused with "version.star:6:8: the service "demo.version" is declared by twin.star:6:8 already"
    And service "demo.version" is not deployed

  Scenario: What cannot run is refused in a pickup folder too, and the log says where
    When service file "refused/unknown.star" is copied to server 1's pickup folder
    Then the log of server 1 contains "unknown.star:4:" within 20 seconds
    And on every server, JSON Pointer "/version" is an integer "1"

  Scenario: Definitions are imported all or none, and every fault is named with its line
    When importing definitions from "refused/definitions.yaml" is tried
    Then it is refused with "definitions.yaml:7:5:"
    And it is refused with "definitions.yaml:8:15:"
    And it is refused with "definitions.yaml:9:18:"
    Given URL path "/demo/good"
    When the URL is invoked
    Then status is "404"
