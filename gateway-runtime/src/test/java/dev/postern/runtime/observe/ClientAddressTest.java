package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientAddressTest {
    @ParameterizedTest
    @CsvSource({
        "192.0.2.77, 192.0.2.77, 192.0.2.0",
        "255.255.255.255, 255.255.255.255, 255.255.255.0",
        "::1, ::1, ::",
        "::, ::, ::",
        "2001:db8:1:2:3:4:5:6, 2001:db8:1:2:3:4:5:6, 2001:db8:1::",
        "2001:DB8::A, 2001:db8::a, 2001:db8::",
        "2001:db8:0:1:0:0:0:1, 2001:db8:0:1::1, 2001:db8::",
        "2001:0:0:1:0:0:0:1, 2001:0:0:1::1, 2001::",
        "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1, 2001:db8::",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1, 2001:db8::",
        "1:2:3:4:5:6:0:0, 1:2:3:4:5:6::, 1:2:3::",
        "::ffff:192.0.2.77, 192.0.2.77, 192.0.2.0",
        "fe80::1%1, fe80::1, fe80::",
    })
    void addresses_have_one_spelling_and_can_lose_what_tells_people_apart(String address, String whole, String cut)
            throws UnknownHostException {
        InetAddress read = InetAddress.getByName(address);
        assertThat(ClientAddress.whole(read)).isEqualTo(whole);
        assertThat(ClientAddress.truncated(read)).isEqualTo(cut);
    }
}
