package dev.postern.examples.quickstart;

/** What the quickstart prints: each line that begins with "curl" can be pasted into another terminal. */
final class Guide {
    static final String TEXT = """

            Postern serves on ${url}; Ctrl-C ends it. Paste these lines into another terminal
            and watch the access log here.

            # Three endpoints take turns
            for i in 1 2 3; do curl -s ${url}/orders/7; done

            # Path variables, for a service with other paths, and for a handler in this process
            curl -s ${url}/customers/ann/orders/7
            curl -s ${url}/hello/ann

            # A canary takes 20 % of the users, always the same ones
            for user in ann bob cat dan eve; do curl -s -H "X-User: $user" ${url}/prices/sku-1; done
            # ... and now half of them, without a restart
            curl -s -X POST ${admin}/canary/50

            # A bearer token: missing (401), without the scope (403), good (200)
            curl -i ${url}/users/ann
            curl -i -H "Authorization: Bearer ${weak-token}" ${url}/users/ann
            curl -i -H "Authorization: Bearer ${token}" ${url}/users/ann

            # An API key: missing (401), without the scope (403), good (200)
            curl -i ${url}/partner/orders/7
            curl -i -H "X-API-Key: ${weak-key}" ${url}/partner/orders/7
            curl -i -H "X-API-Key: ${key}" ${url}/partner/orders/7

            # The fourth request within half a minute gets 429
            for i in 1 2 3 4; do curl -i ${url}/search; done

            # One answer made of three services; without recommendations it says what is missing
            curl -s ${url}/dashboard/ann; echo
            curl -s -X POST ${admin}/services/recommendations/kill
            curl -s ${url}/dashboard/ann; echo

            # No such route (404), no such method (405)
            curl -i ${url}/nowhere
            curl -i -X DELETE ${url}/orders/7

            # Killed (502), stalled (504), and back
            curl -s -X POST ${admin}/services/inventory/kill
            curl -i ${url}/inventory/sku-1
            curl -s -X POST ${admin}/services/inventory/restart
            curl -s -X POST ${admin}/services/inventory/stall
            curl -i ${url}/inventory/sku-1
            curl -s -X POST ${admin}/services/inventory/restart
            curl -i ${url}/inventory/sku-1

            # One of three dead: nobody notices
            curl -s -X POST ${admin}/services/orders-2/kill
            for i in 1 2 3; do curl -s ${url}/orders/7; done

            # Metrics
            curl -s ${admin}/metrics

            # What would become of GET /prices/sku-1 with X-User: ann (Gateway.explain)
            ${explained}
            """;

    private Guide() {}
}
