package dev.postern.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Response;
import dev.postern.runtime.ConsulDiscovery;
import dev.postern.runtime.DnsDiscovery;
import dev.postern.runtime.EurekaDiscovery;
import dev.postern.runtime.FileDiscovery;
import dev.postern.runtime.health.LogLines;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sources that are asked again and again, each against answers as the real ones give them. */
class RegistriesTest {
    private static final String TWO_INSTANCES = """
            [{"Node": {"Node": "n2", "Address": "10.0.0.2", "Datacenter": "dc1"},
              "Service": {"ID": "orders-2", "Service": "orders", "Address": "", "Port": 8081,
                          "Meta": {"zone": "eu-2"}, "Weights": {"Passing": 3, "Warning": 1}},
              "Checks": [{"Status": "passing"}]},
             {"Node": {"Node": "n1", "Address": "10.0.0.1", "Datacenter": "dc1"},
              "Service": {"ID": "orders-1", "Service": "orders", "Address": "2001:db8::7", "Port": 8080},
              "Checks": []}]
            """;

    private final ScriptedServices services = new ScriptedServices();
    private final List<List<Endpoint>> told = new ArrayList<>();
    private final LogLines log = new LogLines("dev.postern.discovery");
    private Discovery.Watch watch = () -> {};

    @AfterEach
    void close_log() {
        watch.stop();
        log.close();
        assertThat(services.time.pending()).isZero();
    }

    private void watch(Discovery discovery) {
        watch = discovery.watch(services, told::add);
    }

    // ---- Consul

    @Test
    void consul_instances_have_address_weight_and_labels() {
        services.answering(200, TWO_INSTANCES);
        watch(ConsulDiscovery.service("http://127.0.0.1:8500", "orders")
                .datacenter("dc1")
                .namespace("shop")
                .tag("v 2")
                .token("s3cret"));

        assertThat(services.asked.get(0).target())
                .isEqualTo("/v1/health/service/orders?passing=1&dc=dc1&ns=shop&tag=v%202");
        assertThat(services.asked.get(0).header("X-Consul-Token")).isEqualTo("s3cret");
        assertThat(told)
                .containsExactly(List.of(
                        Endpoint.of("http://10.0.0.2:8081")
                                .weight(3)
                                .label("datacenter", "dc1")
                                .label("zone", "eu-2"),
                        Endpoint.of("http://[2001:db8::7]:8080").label("datacenter", "dc1")));
    }

    @Test
    void consul_is_asked_for_what_comes_after_the_index_it_told() {
        indexed("42");
        watch(ConsulDiscovery.service("http://127.0.0.1:8500", "orders"));
        services.time.advance(Duration.ofMillis(100));
        assertThat(services.asked.get(1).target()).isEqualTo("/v1/health/service/orders?passing=1&index=42&wait=60s");
    }

    @Test
    void a_consul_index_that_goes_backwards_begins_anew() {
        indexed("42");
        watch(ConsulDiscovery.service("http://127.0.0.1:8500", "orders"));
        indexed("7");
        services.time.advance(Duration.ofMillis(200));
        assertThat(services.asked.get(1).target()).contains("index=42");
        assertThat(services.asked.get(2).target()).doesNotContain("index");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-3", ""})
    void a_consul_index_that_is_not_positive_is_not_used(String index) {
        indexed(index.isEmpty() ? "0" : index);
        watch(ConsulDiscovery.service("http://127.0.0.1:8500", "orders"));
        services.time.advance(Duration.ofMillis(100));
        assertThat(services.asked.get(1).target()).doesNotContain("index");
    }

    @Test
    void after_a_failure_consul_is_asked_without_an_index() {
        indexed("42");
        watch(ConsulDiscovery.service("http://127.0.0.1:8500", "orders"));
        services.answering(500, "rpc error: No cluster leader");
        services.time.advance(Duration.ofMillis(100));
        assertThat(services.asked.get(1).target()).contains("index=42");
        services.time.advance(Duration.ofSeconds(1));
        assertThat(services.asked.get(2).target()).doesNotContain("index");
        assertThat(told).hasSize(1);
        assertThat(log.lines())
                .containsExactly(
                        "WARNING Consul service \"orders\" at http://127.0.0.1:8500 cannot be used: it answered"
                                + " 500; the endpoints known stay in use");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[",
                "{}",
                "null",
                "[] []",
                "<html>502</html>",
                "[{\"Node\": {\"Address\": \"10.0.0.9\"}, \"Service\": {\"Port\": 0}}]",
                "[{\"Service\": {\"Port\": 80}}]",
                "[{\"Service\": {\"Port\": 80, \"Port\": 81, \"Address\": \"10.0.0.9\"}}]"
            })
    void what_consul_does_not_say_is_not_believed(String answer) {
        services.answering(200, TWO_INSTANCES);
        watch(ConsulDiscovery.service("http://127.0.0.1:8500", "orders"));
        services.answering(200, answer);
        services.time.advance(Duration.ofSeconds(10));
        assertThat(told).hasSize(1);
        assertThat(log.lines()).hasSize(1);
    }

    private void indexed(String index) {
        services.network = request -> CompletableFuture.completedFuture(
                Response.text(200, TWO_INSTANCES).withHeader("X-Consul-Index", index));
    }

    // ---- Eureka

    @Test
    void eureka_instances_that_are_up_are_used_a_list_of_one_included() {
        services.answering(200, """
                {"application": {"name": "ORDERS", "instance":
                  {"instanceId": "i1", "hostName": "orders-1.internal", "ipAddr": "10.0.0.1", "status": "UP",
                   "port": {"$": 8080, "@enabled": "true"}, "securePort": {"$": 8443, "@enabled": "true"},
                   "metadata": {"@class": "java.util.Collections$EmptyMap", "zone": "eu-1"}}}}
                """);
        watch(EurekaDiscovery.application("http://10.0.0.5:8761", "ORDERS"));
        assertThat(services.asked.get(0).target()).isEqualTo("/eureka/apps/ORDERS");
        assertThat(services.asked.get(0).header("Accept")).isEqualTo("application/json");
        assertThat(told)
                .containsExactly(List.of(Endpoint.of("http://10.0.0.1:8080").label("zone", "eu-1")));
        watch.stop();
        told.clear();

        watch(EurekaDiscovery.application("http://10.0.0.5:8761", "ORDERS").https());
        assertThat(told.get(0)).extracting(Endpoint::uri).containsExactly("https://orders-1.internal:8443");
    }

    @Test
    void eureka_instances_that_are_not_up_are_left_out() {
        services.answering(200, """
                {"application": {"name": "ORDERS", "instance": [
                  {"ipAddr": "10.0.0.2", "status": "UP", "port": {"$": "8080", "@enabled": "true"}},
                  {"ipAddr": "10.0.0.1", "status": "OUT_OF_SERVICE", "port": {"$": 8080, "@enabled": "true"}},
                  {"ipAddr": "10.0.0.3", "status": "DOWN", "port": {"$": 8080, "@enabled": "true"}}]}}
                """);
        watch(EurekaDiscovery.application("http://10.0.0.5:8761", "ORDERS")
                .basePath("/api/eureka")
                .interval(Duration.ofSeconds(10)));
        assertThat(services.asked.get(0).target()).isEqualTo("/api/eureka/apps/ORDERS");
        assertThat(told.get(0)).extracting(Endpoint::uri).containsExactly("http://10.0.0.2:8080");
        services.time.advance(Duration.ofSeconds(11));
        assertThat(services.asked).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"application\": []}",
                "{\"application\": {\"instance\": []}}",
                "{\"application\": {\"instance\": [{\"status\": \"UP\", \"ipAddr\": \"10.0.0.1\"}]}}",
                "{\"application\": {\"instance\": [{\"status\": \"UP\", \"ipAddr\": \"10.0.0.1\", \"port\": {\"$\": 80,"
                        + " \"@enabled\": \"false\"}}]}}"
            })
    void what_eureka_does_not_say_is_not_believed(String answer) {
        services.answering(200, answer);
        watch(EurekaDiscovery.application("http://10.0.0.5:8761", "ORDERS"));
        assertThat(told).isEmpty();
        assertThat(log.lines()).hasSize(1);
    }

    // ---- file

    @Test
    void a_file_is_read_again_and_counts_whole_or_not_at_all(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("orders.json");
        watch(FileDiscovery.json(file));
        assertThat(log.lines().get(0)).contains("endpoint file " + file + " cannot be used: it does not exist");

        Files.writeString(
                file, "[\"http://a:81\", {\"uri\": \"http://b\", \"weight\": 3, \"labels\": {\"zone\": \"eu-1\"}}]");
        services.time.advance(Duration.ofSeconds(2));
        assertThat(told)
                .containsExactly(List.of(
                        Endpoint.of("http://a:81"),
                        Endpoint.of("http://b").weight(3).label("zone", "eu-1")));

        for (String bad : List.of(
                "", "{}", "[\"ftp://a\"]", "[{\"uri\": \"http://a\", \"weight\": -1}]", "[\"http://a:81\"", "[]")) {
            Files.writeString(file, bad);
            services.time.advance(Duration.ofMinutes(1));
        }
        assertThat(told).hasSize(1);

        Files.writeString(file, "[\"http://a:81\"]");
        services.time.advance(Duration.ofMinutes(1));
        assertThat(told).last().isEqualTo(List.of(Endpoint.of("http://a:81")));
    }

    // ---- DNS

    @Test
    void addresses_are_looked_up_again_when_the_first_record_expires() throws Exception {
        services.addresses = CompletableFuture.completedFuture(
                List.of(address("10.0.0.2", 60), address("10.0.0.1", 20), address("2001:db8::7", 40)));
        watch(DnsDiscovery.addresses("orders.example.com", 8080));
        assertThat(told.get(0))
                .extracting(Endpoint::uri)
                .containsExactly("http://10.0.0.1:8080", "http://10.0.0.2:8080", "http://[2001:db8:0:0:0:0:0:7]:8080");
        services.time.advance(Duration.ofSeconds(17));
        assertThat(services.lookups).isEqualTo(1);
        services.time.advance(Duration.ofSeconds(6));
        assertThat(services.lookups).isEqualTo(2);
    }

    @Test
    void the_time_to_live_is_bounded_both_ways() throws Exception {
        services.addresses = CompletableFuture.completedFuture(List.of(address("10.0.0.2", 0)));
        watch(DnsDiscovery.addresses("orders.example.com", 8080).shortest(Duration.ofSeconds(5)));
        services.time.advance(Duration.ofSeconds(4));
        assertThat(services.lookups).isEqualTo(1);
        services.addresses = CompletableFuture.completedFuture(List.of(address("10.0.0.2", 86_400)));
        services.time.advance(Duration.ofSeconds(2));
        assertThat(services.lookups).isEqualTo(2);
        services.time.advance(Duration.ofSeconds(331));
        assertThat(services.lookups).isEqualTo(3);
    }

    @Test
    void services_of_the_lowest_priority_are_used_with_their_weights() {
        services.srv = CompletableFuture.completedFuture(List.of(
                service("b.example.com", 8082, 10, 3),
                service("backup.example.com", 8080, 20, 1),
                service("a.example.com", 8081, 10, 0),
                service("", 0, 0, 0)));
        watch(DnsDiscovery.services("_http._tcp.orders.example.com").https());
        assertThat(told)
                .containsExactly(List.of(
                        Endpoint.of("https://a.example.com:8081"),
                        Endpoint.of("https://b.example.com:8082").weight(3)));
    }

    @Test
    void services_of_all_priorities_are_kept_under_a_label_for_the_upstream() {
        services.srv = CompletableFuture.completedFuture(
                List.of(service("a.example.com", 8081, 10, 3), service("backup.example.com", 8080, 20, 1)));
        watch(DnsDiscovery.services("_http._tcp.orders.example.com").priorities("priority"));
        assertThat(told)
                .containsExactly(List.of(
                        Endpoint.of("http://a.example.com:8081").weight(3).label("priority", "10"),
                        Endpoint.of("http://backup.example.com:8080").label("priority", "20")));
    }

    @Test
    void addresses_have_no_priorities() {
        DnsDiscovery services = DnsDiscovery.services("_http._tcp.orders.example.com");
        assertThat(services.priorities("a"))
                .isEqualTo(services.priorities("a"))
                .isNotEqualTo(services)
                .hasSameHashCodeAs(services.priorities("a"));
        assertThatThrownBy(() -> services.priorities(" ")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () -> DnsDiscovery.addresses("orders.example.com", 80).priorities("a"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("(expected: a label, and SRV records)");
    }

    @Test
    void a_name_that_is_gone_keeps_its_endpoints() throws Exception {
        services.addresses = CompletableFuture.completedFuture(List.of(address("10.0.0.2", 1)));
        watch(DnsDiscovery.addresses("orders.example.com", 8080));
        services.addresses = CompletableFuture.completedFuture(List.of());
        services.time.advance(Duration.ofMinutes(1));
        services.addresses = CompletableFuture.failedFuture(new IllegalStateException("SERVFAIL"));
        services.time.advance(Duration.ofMinutes(1));
        assertThat(told).hasSize(1);
        assertThat(log.lines()).hasSize(1);
    }

    private static Lookups.Address address(String text, int ttl) throws Exception {
        return new Lookups.Address(InetAddress.getByName(text), Duration.ofSeconds(ttl));
    }

    private static Lookups.Service service(String target, int port, int priority, int weight) {
        return new Lookups.Service(target, port, priority, weight, Duration.ofSeconds(30));
    }
}
