package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;

class ToldTest {
    @Test
    void every_client_host_and_scheme_is_told_as_its_own() throws UnknownHostException {
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 3_000; i++) {
                InetAddress peer = InetAddress.getByAddress(new byte[] {10, 1, (byte) (i >> 8), (byte) i});
                String address = "10.1." + (i >> 8) + "." + (i & 255);
                String host = "h" + i % 7;
                String proto = i % 2 == 0 ? "http" : "https";

                Told told = Told.of(peer, host, proto);

                assertThat(told.address()).isEqualTo(address);
                assertThat(told.element()).isEqualTo("for=" + address + ";host=" + host + ";proto=" + proto);
            }
        }
    }

    @Test
    void addresses_of_version_6_and_hosts_with_ports_stand_in_quotes() throws UnknownHostException {
        assertThat(Told.of(InetAddress.getByName("2001:db8::1"), "a.example:8443", "https")
                        .element())
                .isEqualTo("for=\"[2001:db8:0:0:0:0:0:1]\";host=\"a.example:8443\";proto=https");
    }
}
