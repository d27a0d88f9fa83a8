// What of Asio's TLS is no template (BOOST_ASIO_SEPARATE_COMPILATION), compiled once.
#include <boost/asio/ssl/impl/src.hpp>
