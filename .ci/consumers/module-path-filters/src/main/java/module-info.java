module org.example {
    requires dev.postern.runtime;
    requires dev.postern.security;
    requires dev.postern.traffic;

    // What Check needs besides.
    requires java.net.http;
    requires jdk.httpserver;
}
