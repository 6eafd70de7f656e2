Feature: TLS, and callers known by their certificate
  A cluster that clients call by https has a certificate authority of its own. Who shows a certificate of it is known by
  its name. Nobody is known by what they only say in a header.

  Background:
    Given a cluster of 2 servers with TLS
    And service file "tls/hello.star" is deployed
    And definitions from "tls/hello.yaml"
    And format "JSON"

  Scenario: Whoever trusts the cluster's authority can call
    Given URL path "/open"
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"hello": "world", "told": []}"

  Scenario: A client with the right certificate is let in, and the service is told of no certificate
    Given URL path "/client"
    And the cluster's client certificate
    When the URL is invoked
    Then status is "200"
    And JSON response is equal to "{"hello": "world", "told": []}"

  Scenario: Without a certificate nobody is let in
    Given URL path "/client"
    And no client certificate
    When the URL is invoked
    Then status is "401"
    And header "WWW-Authenticate" is "parley-tls"

  Scenario: A certificate of another name does not do
    Given URL path "/other"
    And the cluster's client certificate
    When the URL is invoked
    Then status is "401"

  Scenario: A certificate that a client only tells of is none
    Given URL path "/client"
    And header "Client-Cert" ":AAAA:"
    And header "X-Parley-Balancer" "0000000000000000000000000000000000000000000000000000000000000000"
    When the URL is invoked
    Then status is "401"
