package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ForwardingTest {
    @Test
    void a_request_goes_to_the_origin_and_its_answer_comes_back() throws Exception {
        try (RawOrigin origin = RawOrigin.saying("hello");
                Gateway gateway = Gateway.builder()
                        .listen(Listener.http(0).host("127.0.0.1"))
                        .upstream(Upstream.builder("orders")
                                .endpoints(origin.url())
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("orders")
                                .build())
                        .build()) {
            gateway.start();
            int port = gateway.listeners().get(0).port();
            try (RawClient client = new RawClient(port)) {
                RawClient.Answer answer = client.get("/a/b?c=d").read();
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.text()).isEqualTo("hello");
                System.out.println(origin.received().get(0).head());
                answer = client.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde")
                        .read();
                assertThat(answer.text()).isEqualTo("hello");
                assertThat(origin.received().get(1).text()).isEqualTo("abcde");
                answer = client.send(
                                "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
                        .read();
                assertThat(answer.text()).isEqualTo("hello");
                answer = client.send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        .readHead();
                System.out.println(answer);
                answer = client.get("/x").read();
                assertThat(answer.text()).isEqualTo("hello");
                assertThat(origin.connections()).isEqualTo(1);
                answer = client.send("GET /x HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n")
                        .read();
                System.out.println(answer);
            }
            gateway.stop(Duration.ZERO);
        }
    }
}
